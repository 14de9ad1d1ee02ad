import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { type Caller, credentialId } from '../caller.ts';
import { Database, type Scope, systemScope, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { Secrets } from '../secrets/secrets.ts';

/** Longest a request may take before another with its key may go on in its place, in milliseconds. */
const takenForMs = 30_000;

/** One request that carries a key. */
export interface Attempt {
  caller: Caller;
  /** Method and path. */
  operation: string;
  key: string;
  body: unknown;
}

export interface Answer {
  status: number;
  body: unknown;
}

/**
 * Remembers what was asked under an `Idempotency-Key`, and the answer, for 24 hours. A key counts for one caller and one
 * operation. Answers are kept encrypted, as one of them holds an API key; tokens are not kept at all.
 *
 * States of a key: running (somebody is at it), applied (the change is committed, the answer not yet kept), answered.
 */
@Injectable()
export class IdempotencyKeys extends BackgroundWork {
  protected readonly everyMs = 10 * 60_000;

  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
  ) {
    super();
  }

  /** Forgets what is older than 24 hours. */
  async run(): Promise<void> {
    await this.database.run('sweep_idempotency_keys', { olderThan: '24 hours' });
  }

  /**
   * Takes the key for this request.
   * @param issuesTokens a repeated request is to run again, whatever was answered before.
   * @returns the first answer, if the request was made before.
   * @throws Problem `idempotency_mismatch` if the key was used for another body; `conflict` while the first is running.
   */
  async begin(attempt: Attempt, issuesTokens: boolean): Promise<Answer | undefined> {
    const where = this.rowOf(attempt);
    const requestHash = hash(attempt.body);
    return await this.database.inScope(callerScope(attempt), async (tx) => {
      const taken = await tx.$executeRaw`
        insert into idempotency_keys (tenant_id, caller, operation, key, request_hash, state, taken_until)
        values (${where.tenantId}, ${where.caller}, ${where.operation}, ${where.key}, ${requestHash}, 'running',
                now() + make_interval(secs => ${takenForMs / 1000}))
        on conflict (tenant_id, caller, operation, key) do update
           set taken_until = excluded.taken_until, state = 'running'
         where idempotency_keys.request_hash = excluded.request_hash
           and ((idempotency_keys.state = 'running' and idempotency_keys.taken_until < now())
                or (idempotency_keys.state = 'answered' and ${issuesTokens}))`;
      if (taken === 1) return undefined;
      const row = await tx.idempotencyKey.findUniqueOrThrow({ where: { tenantId_caller_operation_key: where } });
      if (!Buffer.from(row.requestHash).equals(requestHash)) {
        throw new Problem('idempotency_mismatch', 'Use another Idempotency-Key: this one came with another body.');
      }
      if (row.state === 'answered') return this.read(attempt, row);
      throw row.state === 'applied' && row.takenUntil < new Date()
        ? new Problem('conflict', 'The first request was carried out, but its answer was lost. Look at what is there.')
        : new Problem('conflict', 'The first request with this Idempotency-Key is still running.', {
            retryAfterSeconds: 1,
          });
    });
  }

  /**
   * Notes, in the transaction of the change itself, that it was made: it will not be made again.
   * @param entered the tenant that the transaction has entered. The operator's keys are not among that one's.
   */
  async markApplied(tx: Tx, attempt: Attempt, entered: string): Promise<void> {
    const where = this.rowOf(attempt);
    const elsewhere = where.tenantId !== entered;
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${where.tenantId}, true)`;
    const { count } = await tx.idempotencyKey.updateMany({ where, data: { state: 'applied' } });
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${entered}, true)`;
    if (count !== 1) throw new Error('a change was made under an idempotency key that is not on record');
  }

  async finish(attempt: Attempt, answer: Answer): Promise<void> {
    const sealed = this.secrets.seal(JSON.stringify({ body: answer.body }), this.sealedFor(attempt));
    await this.database.inScope(scopeOf(attempt), (tx) =>
      tx.idempotencyKey.updateMany({
        where: this.rowOf(attempt),
        data: { state: 'answered', status: answer.status, answer: Uint8Array.from(sealed) },
      }),
    );
  }

  /**
   * Lets go of the key after a failure that changed nothing, so that the request can be made again. A deletion may fail
   * after it was recorded, when IVS does not do its part; making it again is how it gets finished.
   */
  async abandon(attempt: Attempt): Promise<void> {
    const states = attempt.operation.startsWith('DELETE ') ? ['running', 'applied'] : ['running'];
    await this.database
      .inScope(scopeOf(attempt), (tx) =>
        tx.idempotencyKey.deleteMany({ where: { ...this.rowOf(attempt), state: { in: states } } }),
      )
      .catch(() => undefined); // then the key frees itself
  }

  private read(attempt: Attempt, row: { status: number | null; answer: Uint8Array | null }): Answer {
    const sealed = row.answer ?? new Uint8Array();
    const { body } = JSON.parse(this.secrets.open(sealed, this.sealedFor(attempt)).toString()) as { body: unknown };
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

/** The operator stands outside of all tenants; his keys are kept as if he were one. */
function tenantOf(caller: Caller): string {
  return caller.kind === 'operator' ? 'operator' : caller.tenantId;
}

function scopeOf({ caller }: Attempt): Scope {
  return systemScope(tenantOf(caller));
}

/** For whoever asks for an answer again: a credential that no longer holds gets none. */
function callerScope({ caller }: Attempt): Scope {
  return { tenantId: tenantOf(caller), kind: caller.kind, credential: credentialId(caller) };
}

function hash(body: unknown): Buffer<ArrayBuffer> {
  return createHash('sha256')
    .update(JSON.stringify(body ?? null))
    .digest() as Buffer<ArrayBuffer>;
}
