import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ActPace } from '../acts/act-pace.ts';
import { secondsSinceRequest } from '../acts/record-act.ts';
import { mayNotAct, mayNotActReasons, noteModerator } from '../auth/authority.ts';
import { callerRef, type TenantCaller } from '../caller.ts';
import { afterCommit } from '../database/commits.ts';
import type { Tx } from '../database/database.ts';
import type { Ban as BanRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { invalid, notFound, type Problem } from '../errors.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { newId } from '../ids.ts';
import { limits, quotas } from '../limits.ts';
import { quotaExceeded } from '../quotas.ts';
import { currentRequest } from '../request-context.ts';
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
  z.object({ createdAt: z.coerce.date(), waitSeconds: z.number(), byRank: z.int().nullable() }),
]);

/** Decides on bans and records them, in one round trip each. */
@Injectable()
export class BanRecords {
  constructor(private readonly pace: ActPace) {}

  /**
   * Decides on a ban. Records it with its action, its deliveries, its audit entry and its events.
   * @returns `waitSeconds` is the time until no token can leave any more that was decided on before the ban.
   * @throws Problem `rate_limited`, `forbidden`, `banned`, `quota_exceeded`, `not_found` or `invalid_request`.
   */
  async record(
    tx: Tx,
    caller: TenantCaller,
    body: CreateBanBody,
    actionId: string,
  ): Promise<{ row: BanRow; waitSeconds: number }> {
    const { tenantId } = caller;
    const { userId, spaceId, reason, expiresAt } = { spaceId: null, reason: null, ...body };
    const by = callerRef(caller);
    const ban = { id: newId('ban'), userId, spaceId };
    const expires = expiresAt === undefined ? null : new Date(expiresAt);
    const events = [banCreated(ban, { actionId, reason, expiresAt: expires?.toISOString() ?? null, by })];
    const decided = await valueIn(
      tx,
      'create_ban',
      {
        tenant: tenantId,
        caller: by,
        claimed: caller.kind === 'user' ? caller.roles : [],
        ban: ban.id,
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
      },
      decision,
    );
    if ('refused' in decided) throw this.problemOf(decided, caller, spaceId);
    if (caller.kind === 'user') noteModerator(spaceId);
    afterCommit(tx, eventsWereWritten);
    const { createdAt, byRank, waitSeconds } = decided;
    const notLifted = { liftedAt: null, liftedBy: null, outranked: false, expiryTold: false };
    const row = { tenantId, ...ban, reason, createdBy: { ...by }, createdAt, expiresAt: expires, byRank, ...notLifted };
    return { row, waitSeconds };
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
