import type { OperationModel } from '../wire/model.ts';
import { ServiceError } from '../wire/service-error.ts';
import { parseArn } from '../arns.ts';
import { randomId } from '../ids.ts';
import type { Scope } from './scope.ts';
import type { World } from './world.ts';

/** One call of an operation: what it is, who makes it, and the world it acts on. */
export interface Call {
  operation: OperationModel;
  world: World;
  scope: Scope;
  /** Milliseconds since 1970, by the emulator's clock. */
  now: number;
  /** The id of the resource this call makes; a seed file chooses it, otherwise it is random. */
  newId: () => string;
}

/** What implements an operation: one function, from the input the model allows to the output it asks for. */
export type Handler<Input, Output> = (call: Call, input: Input) => Output | Promise<Output>;

/** The functions of a service, by operation name. */
export type Handlers<Operations extends Record<keyof Operations, { input: unknown; output: unknown }>> = {
  [Name in keyof Operations]: Handler<Operations[Name]['input'], Operations[Name]['output']>;
};

/** Starts a call. */
export function newCall(world: World, scope: Scope, operation: OperationModel, newId: () => string = randomId): Call {
  return { operation, world, scope, now: world.clock.now(), newId };
}

/** An ARN for something the call makes. */
export function newArn(call: Call, type: string): string {
  const { account, region } = call.scope;
  return `arn:aws:${call.operation.service.name}:${region}:${account}:${type}/${call.newId()}`;
}

/** What the map holds under this ARN, or the error AWS answers. */
export function find<Resource>(call: Call, resources: ReadonlyMap<string, Resource>, arn: string): Resource {
  const resource = resources.get(arn);
  if (resource === undefined) throw notFound(call, arn);
  return resource;
}

/**
 * The answer about a resource the caller has not got: another account's is denied, whether it exists or not, and
 * another Region's is not found. An operation that models neither error is told its input is wrong.
 */
export function notFound(call: Call, arn: string): ServiceError {
  const parts = parseArn(arn);
  const { errors, service, name } = call.operation;
  const details = { resourceId: resourceIdOf(arn), resourceType: 'ROOM' };
  if (parts && parts.account !== call.scope.account && errors.has('AccessDeniedException')) {
    return new ServiceError('AccessDeniedException', `not authorized to perform ${service.name}:${name} on ${arn}`);
  }
  if (errors.has('ResourceNotFoundException')) {
    return new ServiceError('ResourceNotFoundException', `there is no resource ${arn}`, details);
  }
  return new ServiceError('ValidationException', `there is no resource ${arn}`, { reason: 'OTHER' });
}

/** The error for one thing more than the account may have. */
export function quotaExceeded(what: string, limit: number, arn = ''): ServiceError {
  return new ServiceError('ServiceQuotaExceededException', `the quota of ${limit} ${what} is used up`, {
    resourceId: resourceIdOf(arn),
    resourceType: 'ROOM',
    limit,
  });
}

/** The error for a call that does not fit what is there now. */
export function conflict(message: string, arn: string): ServiceError {
  return new ServiceError('ConflictException', message, { resourceId: resourceIdOf(arn), resourceType: 'ROOM' });
}

/** The error for input that the model lets pass and the service does not. */
export function invalid(path: string, message: string): ServiceError {
  return new ServiceError('ValidationException', `${path} ${message}`, {
    reason: 'FIELD_VALIDATION_FAILED',
    fieldList: [{ name: path, message }],
  });
}

/** Chat's errors name the resource by letters and digits only (service model). */
function resourceIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1).replaceAll(/[^a-zA-Z0-9]/g, '') || 'unknown';
}
