import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { type Caller, credentialId } from '../caller.ts';
import { Database, ModerationDatabase, type Scope, systemScope, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Answer, currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { ReplayAuthority } from './replay-authority.ts';

/** How long a request owns its key, in milliseconds. After that a repeated request may run in its place. */
const ownedForMs = 30_000;

/** What is stored after a change is stored at once or not at all: the answer waits for it, and the change has the answer too. */
const answerWaitMs = 1_000;

/** One request with an `Idempotency-Key`. */
export interface Attempt {
  /** Differs between the first request and its repeats. */
  id: string;
  caller: Caller;
  /** Method and path, such as `POST /v1/spaces`. */
  operation: string;
  key: string;
  body: unknown;
  /** True: it uses the connections of moderation. */
  isAct: boolean;
}

/** What the answers of a route hold that no repeated request may get from the store. */
export interface AnswerRules {
  /** Tokens. A repeated request runs again, because answers with tokens are not stored. */
  hasTokens: boolean;
  /** A secret that is shown once. Only the id of what was made is stored, and a repeated request is refused. */
  hasSecret: boolean;
}

/** The ids of the grants of an answer with tokens: all that is stored of it. */
const givenGrants = z.array(z.string()).catch([]);

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
 * States of a key: running (a request is working), applied (its change is committed, with the answer as it was then),
 * answered. The change and `applied` are committed together, and only by the attempt that has the key. So a replica that
 * stops, stands still or loses the answer of the commit leaves one change, and a repeated request gets its answer.
 */
@Injectable()
export class IdempotencyKeys extends BackgroundWork {
  protected readonly everyMs = 10 * 60_000;

  constructor(
    private readonly database: Database,
    private readonly moderation: ModerationDatabase,
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
    return await this.inScope(attempt, callerScope(attempt), async (tx) => {
      const taken = await tx.$queryRaw<{ before: Uint8Array | null }[]>`
        insert into idempotency_keys as taken (tenant_id, caller, operation, key, request_hash, state, taken_until, attempt_id)
        values (${where.tenantId}, ${where.caller}, ${where.operation}, ${where.key}, ${requestHash}, 'running',
                now() + make_interval(secs => ${ownedForMs / 1000}), ${attempt.id})
        on conflict (tenant_id, caller, operation, key) do update
           set taken_until = excluded.taken_until, state = 'running', request_hash = excluded.request_hash,
               attempt_id = excluded.attempt_id, status = null, answer = null
         where taken.request_hash in (excluded.request_hash, ${hashBefore})
           and ((taken.state = 'running'
                 and taken.taken_until not between now() and excluded.taken_until)
                or (${rules.hasTokens}
                    and (taken.state = 'answered'
                         or (taken.state = 'applied'
                             and taken.taken_until not between now() and excluded.taken_until))))
        returning (select answer from idempotency_keys as one -- as it was before this statement
                    where one.tenant_id = taken.tenant_id and one.caller = taken.caller
                      and one.operation = taken.operation and one.key = taken.key) as before`;
      if (taken[0]) {
        this.noteRepeat(attempt, rules, taken[0].before);
        return undefined;
      }
      const row = await tx.idempotencyKey.findUniqueOrThrow({ where: { tenantId_caller_operation_key: where } });
      if (![requestHash, hashBefore].some((one) => Buffer.from(row.requestHash).equals(one))) {
        throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another body. Use a new key.');
      }
      const isOver = row.state === 'applied' && !isTaken(row.takenUntil, await databaseNow(tx));
      if (row.state === 'answered' || (isOver && row.answer !== null)) return await this.read(tx, attempt, rules, row);
      throw isOver
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
   * @param answer the answer as it is now. A repeated request gets it if this one ends without an answer.
   * @throws Problem `conflict` if a repeated request has the key now, because this one stood still. Nothing is changed then.
   */
  async markApplied(
    tx: Tx,
    attempt: Attempt,
    rules: AnswerRules,
    entered: string,
    answer: Answer | undefined,
  ): Promise<void> {
    const where = this.rowOf(attempt);
    const elsewhere = where.tenantId !== entered;
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${where.tenantId}, true)`;
    // Tokens leave within this time, or never. From then on a repeated request makes new ones.
    const takenUntil = rules.hasTokens ? await releaseWindowEnd(tx) : undefined;
    const { count } = await tx.idempotencyKey.updateMany({
      where: { ...where, attemptId: attempt.id },
      data: {
        state: 'applied',
        ...(takenUntil && { takenUntil }),
        ...(answer && this.stored(attempt, rules, answer)),
      },
    });
    if (elsewhere) await tx.$executeRaw`select set_config('app.tenant_id', ${entered}, true)`;
    if (count !== 1) throw takenOver();
  }

  /** Stores the answer. From now on a repeated request gets it. */
  async finish(attempt: Attempt, rules: AnswerRules, answer: Answer): Promise<void> {
    const write = (tx: Tx) =>
      tx.idempotencyKey.updateMany({
        where: { ...this.rowOf(attempt), attemptId: attempt.id },
        data: { state: 'answered', ...this.stored(attempt, rules, answer) },
      });
    await this.inScope(attempt, scopeOf(attempt), write, answerWaitMs);
  }

  /**
   * Frees the key after a failure that changed nothing, so that the caller can repeat the request. A deletion may also
   * fail after it was recorded, because IVS failed. It frees the key too, because repeating it finishes the deletion. If the
   * change was made all the same, as when the answer of the commit was lost, a repeated request gets its answer: after the
   * second in which tokens that were decided on before a ban may still leave.
   */
  async abandon(attempt: Attempt, error: unknown): Promise<void> {
    const isOfIvs = error instanceof Problem && error.code.startsWith('ivs_');
    const states = isOfIvs && attempt.operation.startsWith('DELETE ') ? ['running', 'applied'] : ['running'];
    const mine = { ...this.rowOf(attempt), attemptId: attempt.id };
    const free = async (tx: Tx) => {
      await tx.idempotencyKey.deleteMany({ where: { ...mine, state: { in: states } } });
      const data = { takenUntil: await releaseWindowEnd(tx) };
      await tx.idempotencyKey.updateMany({ where: { ...mine, state: 'applied' }, data });
    };
    // If this fails, the key becomes free by itself after `ownedForMs`.
    await this.inScope(attempt, scopeOf(attempt), free, answerWaitMs).catch(() => undefined);
  }

  private async inScope<T>(
    { isAct }: Attempt,
    scope: Scope,
    work: (tx: Tx) => Promise<T>,
    waitMs?: number,
  ): Promise<T> {
    if (isAct) return await this.moderation.inScope(scope, work, undefined, waitMs);
    return await this.database.inScope(scope, work);
  }

  private stored(attempt: Attempt, rules: AnswerRules, answer: Answer) {
    const body = rules.hasTokens ? grantsIn(answer.body) : rules.hasSecret ? idIn(answer.body) : answer.body;
    const stored: z.input<typeof storedAnswer> = { body, moderatedIn: currentRequest()?.moderatedIn };
    const sealed = this.secrets.sealOurs(JSON.stringify(stored), this.sealedFor(attempt));
    return { status: answer.status, answer: Uint8Array.from(sealed) };
  }

  /** A user who may have one live token gets a new one for that of the first try, whose answer may have been lost. */
  private noteRepeat(attempt: Attempt, rules: AnswerRules, before: Uint8Array | null): void {
    const current = currentRequest();
    if (!current || !rules.hasTokens || !before) return;
    const opened = this.secrets.openOurs(before, this.sealedFor(attempt)).toString();
    current.repeats = givenGrants.parse(storedAnswer.parse(JSON.parse(opened)).body);
  }

  private async read(
    tx: Tx,
    attempt: Attempt,
    rules: AnswerRules,
    row: { status: number | null; answer: Uint8Array | null },
  ): Promise<Answer> {
    const opened = this.secrets.openOurs(row.answer ?? new Uint8Array(), this.sealedFor(attempt)).toString();
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

function takenOver(): Problem {
  return new Problem(
    'conflict',
    'A repeated request with this Idempotency-Key runs in the place of this one, which took too long. This one has changed nothing.',
    { retryAfterSeconds: 1 },
  );
}

async function databaseNow(tx: Tx): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  if (!row) throw new Error('The database does not tell the time.');
  return row.now;
}

/**
 * Whether a request owns a key until this time. No request owns one for longer than `ownedForMs` from now: such a time is from
 * before the clock of the database was set back.
 */
function isTaken(until: Date, now: Date): boolean {
  return until >= now && until.getTime() <= now.getTime() + ownedForMs;
}

/** The time until which a token may leave that is checked now. */
async function releaseWindowEnd(tx: Tx): Promise<Date> {
  return new Date((await databaseNow(tx)).getTime() + limits.releaseWindowSeconds * 1_000);
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

/** The ids of the grants of an answer with tokens: of a join, or of one token. */
function grantsIn(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  const parts = [body, 'stage' in body ? body.stage : null, 'chat' in body ? body.chat : null];
  return parts.flatMap((part) =>
    typeof part === 'object' && part !== null && 'grantId' in part && typeof part.grantId === 'string'
      ? part.grantId
      : [],
  );
}
