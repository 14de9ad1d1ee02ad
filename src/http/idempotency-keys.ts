import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { type Caller, credentialId } from '../caller.ts';
import { Database, type Scope, systemScope, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { ReplayAuthority } from './replay-authority.ts';

/** How long a request owns its key, in milliseconds. After that a repeated request may run in its place. */
const ownedForMs = 30_000;

/** One request with an `Idempotency-Key`. */
export interface Attempt {
  caller: Caller;
  /** Method and path, such as `POST /v1/spaces`. */
  operation: string;
  key: string;
  body: unknown;
}

/** An answer to repeat: its HTTP status and its body. */
export interface Answer {
  status: number;
  body: unknown;
}

/** What the answers of a route hold that no repeated request may get from the store. */
export interface AnswerRules {
  /** Tokens. A repeated request runs again, because answers with tokens are not stored. */
  hasTokens: boolean;
  /** A secret that is shown once. Only the id of what was made is stored, and a repeated request is refused. */
  hasSecret: boolean;
}

/** What is stored of an answer, encrypted. */
const storedAnswer = z.object({
  body: z.unknown().optional(),
  /** The space in which the caller acted as a moderator; null: the whole tenant. Undefined: they did not. */
  moderatedIn: z.string().nullable().optional(),
});

/**
 * Stores requests with an `Idempotency-Key`, and their answers, for 24 hours. A key belongs to one caller and one
 * operation. Answers are stored encrypted. Tokens and new secrets are not stored at all.
 *
 * States of a key: running (a request is working), applied (its change is committed, its answer is not stored yet),
 * answered.
 */
@Injectable()
export class IdempotencyKeys extends BackgroundWork {
  protected readonly everyMs = 10 * 60_000;

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly authority: ReplayAuthority,
  ) {
    super();
  }

  /** Deletes keys that are older than 24 hours. */
  async run(): Promise<void> {
    const most = limits.sweptAtOnce;
    let swept: number;
    do swept = await this.database.value('sweep_idempotency_keys', { olderThan: '24 hours', most }, z.coerce.number());
    while (swept === most);
  }

  /**
   * Takes the key for this request.
   * @returns the stored answer if this is a repeated request; undefined if the request must run now.
   * @throws Problem `idempotency_mismatch` if the key was used with another body; `conflict` while the first request is
   * running, if its answer was lost, or if it held a secret; `forbidden` or `banned` if the caller acted as a moderator and
   * is none any more.
   */
  async begin(attempt: Attempt, rules: AnswerRules): Promise<Answer | undefined> {
    const where = this.rowOf(attempt);
    const body = JSON.stringify(attempt.body ?? null);
    const requestHash = Uint8Array.from(this.secrets.hashRequest(body));
    const hashBefore = Uint8Array.from(hash('sha256', body, 'buffer')); // of a key that an older build has taken
    return await this.database.inScope(callerScope(attempt), async (tx) => {
      const taken = await tx.$executeRaw`
        insert into idempotency_keys (tenant_id, caller, operation, key, request_hash, state, taken_until)
        values (${where.tenantId}, ${where.caller}, ${where.operation}, ${where.key}, ${requestHash}, 'running',
                now() + make_interval(secs => ${ownedForMs / 1000}))
        on conflict (tenant_id, caller, operation, key) do update
           set taken_until = excluded.taken_until, state = 'running', request_hash = excluded.request_hash
         where idempotency_keys.request_hash in (excluded.request_hash, ${hashBefore})
           and ((idempotency_keys.state = 'running' and idempotency_keys.taken_until < now())
                or (idempotency_keys.state = 'answered' and ${rules.hasTokens}))`;
      if (taken === 1) return undefined;
      const row = await tx.idempotencyKey.findUniqueOrThrow({ where: { tenantId_caller_operation_key: where } });
      if (![requestHash, hashBefore].some((one) => Buffer.from(row.requestHash).equals(one))) {
        throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another body. Use a new key.');
      }
      if (row.state === 'answered') return await this.read(tx, attempt, rules, row);
      throw row.state === 'applied' && row.takenUntil < new Date()
        ? new Problem('conflict', 'The first request was carried out, but its answer was lost. Read the present state.')
        : new Problem('conflict', 'The first request with this Idempotency-Key is still running. Try again shortly.', {
            retryAfterSeconds: 1,
          });
    });
  }

  /**
   * Records in the transaction of the change that the change was made, so that a repeated request does not make it again.
   * @param entered the tenant that the transaction has entered. The operator's keys do not belong to this tenant, so the
   * transaction enters their place for a moment.
   */
  async markApplied(tx: Tx, attempt: Attempt, entered: string): Promise<void> {
    const where = this.rowOf(attempt);
    const elsewhere = where.tenantId !== entered;
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${where.tenantId}, true)`;
    const { count } = await tx.idempotencyKey.updateMany({ where, data: { state: 'applied' } });
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${entered}, true)`;
    if (count !== 1) throw new Error('a change was made under an idempotency key that is not on record');
  }

  /** Stores the answer. From now on a repeated request gets it. */
  async finish(attempt: Attempt, rules: AnswerRules, answer: Answer): Promise<void> {
    const body = rules.hasTokens ? undefined : rules.hasSecret ? idIn(answer.body) : answer.body;
    const stored: z.input<typeof storedAnswer> = { body, moderatedIn: currentRequest()?.moderatedIn };
    const sealed = this.secrets.seal(JSON.stringify(stored), this.sealedFor(attempt));
    await this.database.inScope(scopeOf(attempt), (tx) =>
      tx.idempotencyKey.updateMany({
        where: this.rowOf(attempt),
        data: { state: 'answered', status: answer.status, answer: Uint8Array.from(sealed) },
      }),
    );
  }

  /**
   * Frees the key after a failure that changed nothing, so that the caller can repeat the request. A deletion may also
   * fail after it was recorded, because IVS failed. It frees the key too, because repeating it finishes the deletion.
   */
  async abandon(attempt: Attempt): Promise<void> {
    const states = attempt.operation.startsWith('DELETE ') ? ['running', 'applied'] : ['running'];
    await this.database
      .inScope(scopeOf(attempt), (tx) =>
        tx.idempotencyKey.deleteMany({ where: { ...this.rowOf(attempt), state: { in: states } } }),
      )
      .catch(() => undefined); // the key becomes free by itself after `ownedForMs`
  }

  private async read(
    tx: Tx,
    attempt: Attempt,
    rules: AnswerRules,
    row: { status: number | null; answer: Uint8Array | null },
  ): Promise<Answer> {
    const opened = this.secrets.open(row.answer ?? new Uint8Array(), this.sealedFor(attempt)).toString();
    const { body, moderatedIn } = storedAnswer.parse(JSON.parse(opened));
    if (rules.hasSecret) throw secretWasShown(body);
    const { caller } = attempt;
    if (moderatedIn !== undefined && caller.kind === 'user') {
      await this.authority.assertModerator(tx, caller, moderatedIn);
    }
    return { status: row.status ?? 200, body };
  }

  private rowOf({ caller, operation, key }: Attempt) {
    return { tenantId: tenantOf(caller), caller: `${caller.kind} ${caller.id}`, operation, key };
  }

  private sealedFor(attempt: Attempt) {
    const { tenantId, caller, operation, key } = this.rowOf(attempt);
    return { tenantId, column: 'idempotency_keys.answer', id: `${caller} ${operation} ${key}` };
  }
}

/** The operator belongs to no tenant. Their keys are stored under the tenant id `operator`. */
function tenantOf(caller: Caller): string {
  return caller.kind === 'operator' ? 'operator' : caller.tenantId;
}

function scopeOf({ caller }: Attempt): Scope {
  return systemScope(tenantOf(caller));
}

/** Scope for reading a stored answer. The database checks the credential, so that a withdrawn one reads nothing. */
function callerScope({ caller }: Attempt): Scope {
  const mustBeActive = caller.kind === 'operator' ? undefined : caller.mustBeActive;
  return { tenantId: tenantOf(caller), kind: caller.kind, credential: credentialId(caller), mustBeActive };
}

/** The id of what was made, alone. */
function idIn(body: unknown): { id?: unknown } {
  return typeof body === 'object' && body !== null && 'id' in body ? { id: body.id } : {};
}

function secretWasShown(body: unknown): Problem {
  const { id } = idIn(body);
  return new Problem(
    'conflict',
    'The first request was carried out, and its answer showed a secret. It is shown only once. If you do not have it, rotate or revoke what was made.',
    { extra: { id } },
  );
}
