import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ActPace, countedActs } from '../acts/act-pace.ts';
import { secondsSinceRequest } from '../acts/record-act.ts';
import { mayNotAct, mayNotActReasons, noteModerator } from '../auth/authority.ts';
import { callerRef, credentialId, type TenantCaller } from '../caller.ts';
import { afterCommit } from '../database/commits.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import type { Ban as BanRow, Prisma } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { invalid, notFound, type Problem } from '../errors.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { newId } from '../ids.ts';
import { limits, quotas } from '../limits.ts';
import { quotaExceeded } from '../quotas.ts';
import { currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { banCreated } from './ban-events.ts';
import type { CreateBanBody } from './bans.schemas.ts';

/** What `create_ban` returns if it bans nobody. */
const refusal = z.discriminatedUnion('refused', [
  z.object({ refused: z.literal('rate'), oldest: z.coerce.date() }),
  z.object({ refused: z.literal('quota'), most: z.int() }),
  z.object({ refused: z.enum([...mayNotActReasons, 'space_unknown', 'over_already']) }),
]);
const decision = z.union([
  refusal,
  z.object({
    createdAt: z.coerce.date(),
    waitSeconds: z.number(),
    byRank: z.int().nullable(),
    before: countedActs,
  }),
]);

/** A ban that is not decided on yet. */
type AskedRow = Pick<BanRow, 'tenantId' | 'id' | 'userId' | 'spaceId' | 'reason' | 'expiresAt'> & {
  createdBy: Prisma.JsonObject;
};
type Decision = z.output<typeof decision>;

/** A ban that is on record. `waitSeconds` is the time until no token can leave any more that was decided on before the ban. */
export interface RecordedBan {
  row: BanRow;
  waitSeconds: number;
}

/** Decides on bans and records them, in one round trip each. */
@Injectable()
export class BanRecords {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly pace: ActPace,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Decides on a ban. Records it with its action, its deliveries, its audit entry and its events, in a transaction of its own.
   * @throws Problem `rate_limited`, `forbidden`, `banned`, `quota_exceeded`, `not_found` or `invalid_request`.
   */
  async record(caller: TenantCaller, body: CreateBanBody, actionId: string): Promise<RecordedBan> {
    const ban = this.asked(caller, body, actionId);
    const decided = await this.database.act(caller.tenantId, 'create_ban', ban.args, decision);
    const recorded = this.recorded(caller, ban.row, decided);
    eventsWereWritten();
    return recorded;
  }

  /** Decides on a ban and records it, as `record` does, in a transaction that has more to write. */
  async recordIn(tx: Tx, caller: TenantCaller, body: CreateBanBody, actionId: string): Promise<RecordedBan> {
    const ban = this.asked(caller, body, actionId);
    const recorded = this.recorded(caller, ban.row, await valueIn(tx, 'create_ban', ban.args, decision));
    afterCommit(tx, eventsWereWritten);
    return recorded;
  }

  private asked(caller: TenantCaller, body: CreateBanBody, actionId: string) {
    const { tenantId } = caller;
    const { userId, spaceId, reason, expiresAt } = { spaceId: null, reason: null, ...body };
    const by = callerRef(caller);
    const expires = expiresAt === undefined ? null : new Date(expiresAt);
    const row = { tenantId, id: newId('ban'), userId, spaceId, reason, createdBy: { ...by }, expiresAt: expires };
    const events = [banCreated(row, { actionId, reason, expiresAt: expires?.toISOString() ?? null, by })];
    const args = {
      tenant: tenantId,
      kind: caller.kind,
      credential: credentialId(caller),
      mustBeActive: caller.mustBeActive ?? false,
      caller: by,
      claimed: caller.kind === 'user' ? caller.roles : [],
      pseudonym: caller.kind === 'user' ? this.secrets.pseudonym(tenantId, caller.id) : null,
      ban: row.id,
      action: actionId,
      space: spaceId,
      user: userId,
      reason,
      expires,
      elapsed: secondsSinceRequest(),
      mostActs: this.pace.mostOf(caller.kind),
      usualQuota: quotas.bans,
      auditEntry: newId('aud'),
      details: { reason, expiresAt: expiresAt ?? null, action: actionId },
      request: currentRequest()?.requestId ?? 'background',
      events: JSON.stringify(events),
      limits,
    };
    return { row, args };
  }

  private recorded(caller: TenantCaller, row: AskedRow, decided: Decision): RecordedBan {
    if ('refused' in decided) throw this.problemOf(decided, caller, row.spaceId);
    if (caller.kind === 'user') noteModerator(row.spaceId);
    const { createdAt, byRank, waitSeconds, before } = decided;
    this.pace.tell(caller.kind, { ...before, used: before.used + 1 });
    const notLifted = { liftedAt: null, liftedBy: null, outranked: false, expiryTold: false };
    return { row: { ...row, createdAt, byRank, ...notLifted }, waitSeconds };
  }

  private problemOf(refused: z.output<typeof refusal>, caller: TenantCaller, spaceId: string | null): Problem {
    switch (refused.refused) {
      case 'rate':
        return this.pace.tooFast(caller.kind, refused.oldest);
      case 'quota':
        return quotaExceeded('bans', refused.most);
      case 'space_unknown':
        return notFound('space');
      case 'over_already':
        return invalid('expiresAt', 'must be in the future');
      default:
        return mayNotAct(refused.refused, spaceId);
    }
  }
}
