import type { IncomingMessage } from 'node:http';
import { randomUUID } from 'node:crypto';
import { type Credentials, LOCAL_CREDENTIAL } from '../accounts/credentials.ts';
import type { Access } from '../accounts/session-policy.ts';
import { answerSts, type Role } from '../accounts/sts.ts';
import type { ArmedFault, Faults } from '../faults/faults.ts';
import type { Journal, JournalEntry } from '../journal/journal.ts';
import { handlerOf, SERVICES } from '../operations/services.ts';
import { newCall } from '../state/call.ts';
import { iso } from '../clock.ts';
import type { Scope } from '../state/scope.ts';
import { tagsOf } from '../state/tags.ts';
import { scopeOf, type World } from '../state/world.ts';
import type { OperationModel, ServiceModel } from '../wire/model.ts';
import { ServiceError } from '../wire/service-error.ts';
import { type Caller, verifySignature } from '../accounts/sigv4.ts';
import { type AwsRequest, nameOf, readAwsRequest } from './aws-call.ts';
import { errorReply, internalError, throttled } from './errors.ts';
import type { Reply } from './reply.ts';

/** Which requests are accepted, and whom they count for. */
export interface AccessOptions {
  /** Accepts requests without a signature. They count as requests of the local account in `defaultRegion`. */
  allowUnsigned: boolean;
  defaultRegion: string;
  /** The Regions that have the services. `any` accepts every Region. */
  regions: readonly string[] | 'any';
  roles: readonly Role[];
  /** Answers 500 when an output breaks the service model. The emulator's own tests set it. */
  checkOutputs: boolean;
}

/** Answers the calls of IVS Real-Time, IVS Chat and STS. The path of a request shows which of them it is for. */
export class AwsServices {
  readonly #world: World;
  readonly #credentials: Credentials;
  readonly #faults: Faults;
  readonly #journal: Journal;
  readonly #options: AccessOptions;
  readonly #changed: () => void;

  /** @param parts.changed Called after each call that may have changed the world. */
  constructor(
    parts: { world: World; credentials: Credentials; faults: Faults; journal: Journal; changed: () => void },
    options: AccessOptions,
  ) {
    this.#world = parts.world;
    this.#credentials = parts.credentials;
    this.#faults = parts.faults;
    this.#journal = parts.journal;
    this.#changed = parts.changed;
    this.#options = options;
  }

  /** Answers one request and adds it to the journal. */
  async answer(request: IncomingMessage, body: Buffer | 'too-large'): Promise<Reply> {
    const startedAt = performance.now();
    const entry: Omit<JournalEntry, 'id'> = {
      at: iso(this.#world.clock.now()),
      service: '',
      operation: `${request.method} ${request.url?.slice(0, 200)}`,
      requestId: randomUUID(),
      status: 0,
      durationMs: 0,
    };
    const reply = await this.#authorizeAndPerform(request, body, entry);
    if (typeof reply === 'object') entry.status = reply.status;
    entry.durationMs = Math.round((performance.now() - startedAt) * 100) / 100;
    this.#journal.add(entry);
    return reply;
  }

  async #authorizeAndPerform(
    request: IncomingMessage,
    body: Buffer | 'too-large',
    entry: Omit<JournalEntry, 'id'>,
  ): Promise<Reply> {
    let service: 'sts' | ServiceModel | undefined;
    try {
      const awsRequest = readAwsRequest(
        entry.requestId,
        request,
        body === 'too-large' ? Buffer.alloc(0) : body,
        SERVICES,
      );
      const { target } = awsRequest;
      service = target.service === 'sts' ? 'sts' : target.operation.service;
      Object.assign(entry, { service: target.service, operation: nameOf(awsRequest) });
      if (body === 'too-large')
        throw new ServiceError('ValidationException', 'the body is too large', { reason: 'OTHER' });
      const caller = this.#authenticate(awsRequest);
      Object.assign(entry, caller);
      const fault = this.#faults.strike(entry.operation, caller.account, caller.region);
      if (!fault) return await this.#performOperation(awsRequest, caller, entry);
      entry.fault = fault.id;
      return await this.#answerWithFault(fault, awsRequest, caller, entry);
    } catch (error) {
      const known = error instanceof ServiceError ? error : internalError();
      if (known !== error) process.emitWarning(error as Error);
      entry.error = known.name;
      return errorReply(known, service, entry.requestId);
    }
  }

  #authenticate(request: AwsRequest): Caller {
    const { authorization, target } = request;
    const { allowUnsigned, defaultRegion, regions } = this.#options;
    if (!authorization) {
      // Requests from a web page have the header `Origin`. Any page could use the emulator of its visitor without this
      // check.
      if (allowUnsigned && request.headers.origin === undefined) {
        return { accessKeyId: 'unsigned', account: LOCAL_CREDENTIAL.account, region: defaultRegion };
      }
      throw new ServiceError('MissingAuthenticationTokenException', 'the request is not signed', {}, 403);
    }
    const caller = verifySignature(request, authorization, target.service, this.#credentials, Date.now());
    if (target.service !== 'sts' && regions !== 'any' && !regions.includes(caller.region)) {
      const message = `the service is not in Region ${caller.region}; it is in ${regions.join(', ')}`;
      throw new ServiceError('InvalidSignatureException', message, {}, 403);
    }
    return caller;
  }

  async #performOperation(request: AwsRequest, caller: Caller, entry: Omit<JournalEntry, 'id'>): Promise<Reply> {
    const headers = { 'x-amzn-requestid': request.id };
    const { target } = request;
    if (target.service === 'sts') {
      entry.input = Object.fromEntries(target.form);
      const body = answerSts(target.name, target.form, caller, this.#credentials, this.#options.roles);
      return { status: 200, headers: { ...headers, 'content-type': 'text/xml' }, body };
    }
    const { operation } = target;
    if (!this.#world.rates.take(caller.account, caller.region, target.service, operation.name)) {
      throw this.#throttled(request);
    }
    const input = operation.readInput({ body: request.body, label: target.label, query: request.query });
    entry.input = input;
    const output = await this.#handle(operation, caller, input);
    const body = operation.hasOutput ? JSON.stringify(output) : '';
    return {
      status: operation.status,
      headers: { ...headers, ...operation.headers, 'content-type': 'application/json' },
      body,
    };
  }

  #throttled(request: AwsRequest): ServiceError {
    const { target } = request;
    const { rates, switches } = this.#world;
    const name = nameOf(request);
    const modelled = target.service === 'sts' ? undefined : target.operation.errors;
    return throttled(name, rates.rateOf(target.service, name), switches.throttlingError, modelled);
  }

  async #handle(operation: OperationModel, caller: Caller, input: Record<string, unknown>): Promise<unknown> {
    this.#world.schedule.catchUp();
    const scope = scopeOf(this.#world, caller.account, caller.region);
    const policy = this.#credentials.policyOf(caller.accessKeyId);
    if (policy) for (const access of accessesOf(operation, scope, input)) policy.require(access);
    const output = await handlerOf(operation)(newCall(this.#world, scope, operation), input);
    this.#changed();
    if (this.#options.checkOutputs) requireModelled(operation, output);
    return output;
  }

  /**
   * Answers a call that a fault strikes. The fault decides whether the operation is performed, and what is answered.
   */
  async #answerWithFault(
    fault: ArmedFault,
    request: AwsRequest,
    caller: Caller,
    entry: Omit<JournalEntry, 'id'>,
  ): Promise<Reply> {
    const { error, throttle, hang, reset, empty, afterWork } = fault.effect;
    const work = () => this.#performOperation(request, caller, entry);
    const worksFirst = afterWork === true || reset === 'after';
    const early = worksFirst ? await work() : undefined;
    await this.#faults.delay(fault);
    if (hang) return 'hang';
    if (reset) return 'cut';
    if (throttle) throw this.#throttled(request);
    if (error) {
      const { message = 'a fault was armed for this call', status = 500 } = fault.effect;
      throw new ServiceError(
        error,
        message,
        { resourceId: 'fault', resourceType: 'ROOM', limit: 0, reason: 'OTHER' },
        status,
      );
    }
    const reply = early ?? (await work());
    return empty && typeof reply === 'object' ? { ...reply, status: 200, body: '' } : reply;
  }
}

/** What a call needs: its own action, and that of tagging if it makes something with tags. */
function accessesOf(operation: OperationModel, scope: Scope, input: Record<string, unknown>): Access[] {
  const service = operation.service.name;
  const { resourceArn, arn, stageArn, roomIdentifier, identifier, tags } = input;
  const named = resourceArn ?? arn ?? stageArn ?? roomIdentifier ?? identifier;
  const resource = typeof named === 'string' ? named : '*';
  const requestTags = tags as Record<string, string> | undefined;
  const access = { resource, resourceTags: tagsOf(scope, resource), requestTags };
  const tagging = requestTags !== undefined && operation.name !== 'TagResource';
  return [operation.name, ...(tagging ? ['TagResource'] : [])].map((name) => ({
    ...access,
    action: `${service}:${name}`,
  }));
}

function requireModelled(operation: OperationModel, output: unknown): void {
  const problems = operation.outputProblems(JSON.parse(JSON.stringify(output)));
  const [problem] = problems;
  if (problem) throw new Error(`the output of ${operation.name} breaks its model: ${problem.path} ${problem.message}`);
}
