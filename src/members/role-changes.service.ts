import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import { callerRef, type TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import { callIn, runIn, valueIn } from '../database/sql-call.ts';
import type { NewDelivery } from '../delivery/deliveries.ts';
import type { NewEvent } from '../events/event-log.ts';
import { lockUser } from '../grants/ledger.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { type Admission, admission } from '../joins/admission-answers.ts';
import { decidedOn } from '../joins/admission-request.ts';
import { noClaims, tokenAttributes } from '../joins/attributes.ts';
import type { StageToken } from '../joins/joins.schemas.ts';
import { type TokenHolder, Mints } from '../joins/mints.ts';
import { type MintedToken, releaseWindowMs } from '../joins/settlements.ts';
import type { Action } from '../acts/actions.schemas.ts';
import { ActionsService } from '../acts/actions.service.ts';
import { type RecordedAct, recordAct } from '../acts/record-act.ts';
import { cancelActions, undo } from '../acts/undo.ts';
import { type Answer, mustLeaveBy } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { findSpace, lockSpace } from '../spaces/spaces.service.ts';

/** Time that a demoted participant has to exchange their token before the watch looks for them, in seconds. */
export const exchangeGraceSeconds = 10;

/**
 * Longest waits of an answer with an exchange token, for the calls to IVS and to read the action, in milliseconds. The time to
 * exchange the token has begun.
 */
const exchangeWaits = { callsMs: 700, readMs: 200 };

/** The event that the clients in the room get. Its attributes are `userId` and, if there is a new role, `role`. */
const roleChangedEvent = 'stagedoor:role_changed';

/** The user whose role in a space changes, and how the change is recorded. */
export interface RoleChangeRequest {
  spaceId: string;
  userId: string;
  reason?: string | undefined;
  /** Name of the change in the audit log. */
  auditAction: string;
  /** Present if the answer may have an exchange token. The attributes are added to those of the role. */
  exchange?: { attributes: Record<string, string> };
}

/** The outcome of a change of role. */
export interface RoleChangeOutcome<Result> {
  /** What the function `write` returned. */
  result: Result;
  /** Null: the user holds no token that the change concerns. */
  action: Action | null;
  /** The exchange token; null if there is none. */
  exchange: StageToken | null;
}

/** A grant that the user holds in the space. `exceeds` is true if it allows more than the new role. */
const heldGrant = z.object({
  id: z.string(),
  kind: z.enum(['stage', 'chat']),
  role: z.string(),
  participant_id: z.string().nullable(),
  ivs_user_id: z.string(),
  exceeds: z.boolean(),
});
type HeldGrant = z.output<typeof heldGrant>;

/** An exchange token that is on record and not made yet. */
interface RecordedExchange {
  grantId: string;
  admission: Admission;
  holder: TokenHolder;
}

/**
 * Changes roles with effect on the tokens that the user holds already. Tokens that allow more than the new role are
 * revoked, and an event tells clients to get a new token. If the answer has an exchange token, its participant stays
 * connected if they exchange their token for it. In a frozen space, who moderates no more is silenced by the freezing.
 */
@Injectable()
export class RoleChanges {
  private readonly logger = new Logger(RoleChanges.name);

  constructor(
    private readonly database: ModerationDatabase,
    private readonly actions: ActionsService,
    private readonly mints: Mints,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Changes a role.
   * @param change its `answer` is the answer to a repeated request, of what `write` returned; none if it may have a token.
   * @param write checks what it has to check, and changes the member row. No vend to the user is under way when it runs.
   * @throws Problem `not_found`, or what `write` throws.
   */
  async change<Result>(
    caller: TenantCaller,
    change: RoleChangeRequest & { answer?: (result: Result) => Answer },
    write: (tx: Tx) => Promise<Result>,
  ): Promise<RoleChangeOutcome<Result>> {
    const { tenantId } = caller;
    const { spaceId, userId, answer } = change;
    const tryToChange = async (tx: Tx) => {
      // The space is read under its lock, as in a vend. So a freezing sees the grant of every exchange token.
      await lockSpace(tx, tenantId, spaceId, 'shared');
      await findSpace(tx, tenantId, spaceId);
      await lockUser(tx, tenantId, userId);
      if (!(await cancelEarlierChanges(tx, tenantId, change))) return undefined;
      const previousRole = await roleOf(tx, tenantId, change);
      const result = await write(tx);
      const role = await roleOf(tx, tenantId, change);
      const recorded = await this.recordConsequences(tx, caller, change, role);
      await runIn(tx, 'extend_freezing', { tenant: tenantId, space: spaceId, user: userId, limits });
      await audit(tx, caller, {
        action: change.auditAction,
        tenantId,
        spaceId,
        userId,
        ...(recorded.act && { subject: recorded.act.id }),
        details: { role, ...(change.reason !== undefined && { reason: change.reason }) },
        events: eventsOf(caller, change, { role, previousRole, actionId: recorded.act?.id ?? null }),
        ...(answer && { answer: () => answer(result) }),
      });
      return { result, ...recorded };
    };
    const { result, act, exchange } = await undo(this.database, caller, tryToChange);
    const waits = exchange ? exchangeWaits : undefined;
    const [action, token] = await Promise.all([
      act && this.actions.carryOut(caller, act, waits?.callsMs, waits?.readMs),
      exchange && this.mint(exchange),
    ]);
    const mayLeave = exchange && token && (await this.settle(caller, change, exchange, token));
    return { result, action, exchange: mayLeave ? token : null };
  }

  /**
   * Checks an exchange token once more, because time has passed since the change: the answer leaves within a second of this
   * check. Later than that, a 503 leaves instead. Then a repeated request makes a new exchange token.
   * @returns false if it may not leave, because of a ban or another change since.
   */
  private async settle(
    caller: TenantCaller,
    { spaceId, userId }: RoleChangeRequest,
    { grantId, admission: { role, signingKey } }: RecordedExchange,
    { mint, participantId, expiresAt }: StageToken,
  ): Promise<boolean> {
    const pseudonym = this.secrets.pseudonym(caller.tenantId, userId);
    const made: MintedToken = { id: grantId, mint, participantId, expiresAt, sessionExpiresAt: expiresAt };
    const args = {
      ...decidedOn(caller, { spaceId, userId, pseudonym, roleAsked: role.name, rolesClaimed: [] }),
      grants: [grantId],
      made: JSON.stringify([{ ...made, ...(signingKey && { signingKeyId: signingKey.id }) }]),
      failed: [],
      limits,
    };
    let checkedAt = 0;
    const refused = await this.database.inTenantOf(caller, async (tx) => {
      checkedAt = performance.now();
      return await valueIn(tx, 'settle', args, z.unknown().nullable());
    });
    mustLeaveBy(checkedAt + releaseWindowMs);
    return refused === null;
  }

  /** Records the action and the exchange token that the new role makes necessary; null for one that is not needed. */
  private async recordConsequences(
    tx: Tx,
    caller: TenantCaller,
    change: RoleChangeRequest,
    role: string | null,
  ): Promise<{ act: RecordedAct | null; exchange: RecordedExchange | null }> {
    const { tenantId } = caller;
    const { spaceId, userId, reason } = change;
    const held = await callIn(
      tx,
      'grants_beside_role',
      { tenant: tenantId, space: spaceId, user: userId, role, limits },
      heldGrant,
    );
    if (!held.some((grant) => grant.exceeds || grant.role !== role)) return { act: null, exchange: null };

    const exchange = await this.admitExchange(tx, tenantId, change);
    const exceeding = held.filter((grant) => grant.exceeds);
    const { participantId } = exchange?.admission ?? {};
    const exchangeable = exceeding.filter((grant) => grant.kind === 'stage' && grant.participant_id === participantId);
    const ids = (grants: HeldGrant[]) => grants.map(({ id }) => id);
    const act = await recordAct(tx, caller, {
      kind: 'role.change',
      spaceId,
      userId,
      reason,
      grants: [
        { ids: ids(exceeding.filter((grant) => !exchangeable.includes(grant))), keepOut: true },
        { ids: ids(exchangeable), keepOut: true, exchangeWithinSeconds: exchangeGraceSeconds },
      ],
      deliveries: await eventForClients(tx, tenantId, change, role, held[0]?.ivs_user_id ?? userId),
    });
    return { act, exchange };
  }

  /**
   * Records the grant of an exchange token, in the role that the member row gives. Null: the caller gets none, or
   * `admit_exchange` refuses it.
   */
  private async admitExchange(tx: Tx, tenantId: string, change: RoleChangeRequest): Promise<RecordedExchange | null> {
    if (!change.exchange) return null;
    const { spaceId, userId } = change;
    const pseudonym = this.secrets.pseudonym(tenantId, userId);
    const grantId = newId('grt');
    const admitted = await valueIn(
      tx,
      'admit_exchange',
      { tenant: tenantId, space: spaceId, user: userId, pseudonym, grant: grantId, limits },
      admission.nullable(),
    );
    if (!admitted) return null;
    const attributes = tokenAttributes(admitted.role.attributes, noClaims, change.exchange.attributes, 'any');
    return { grantId, admission: admitted, holder: { ivsUserId: admitted.ivsUserId, attributes } };
  }

  /**
   * Makes the exchange token. Null if that fails: the change of role holds all the same. The participant is then
   * disconnected, and the user can come back with a new token.
   */
  private async mint({ grantId, admission: admitted, holder }: RecordedExchange): Promise<StageToken | null> {
    const { stage, signingKey, participantId } = admitted;
    if (!stage || !signingKey) return null;
    try {
      const minted = await this.mints.exchangeToken(admitted, stage, signingKey, participantId, holder);
      const { signingKeyId: _, ...token } = minted;
      return { grantId, ...token };
    } catch (error) {
      this.logger.warn({ grantId, err: error }, 'an exchange token could not be made');
      return null;
    }
  }
}

/**
 * Cancels the deliveries and ends the holds of earlier changes of this role, because the new change decides anew about the
 * same grants. Returns false while a call of theirs is on its way to IVS.
 */
async function cancelEarlierChanges(
  tx: Tx,
  tenantId: string,
  { spaceId, userId }: RoleChangeRequest,
): Promise<boolean> {
  const where = { tenant: tenantId, space: spaceId, user: userId };
  const earlier = await valueIn(tx, 'unfinished_role_changes', where, z.array(z.string()));
  return earlier.length === 0 || (await cancelActions(tx, tenantId, earlier, 'the role was changed again'));
}

/** The event of a change of role. A change to the same role is none. */
function eventsOf(
  caller: TenantCaller,
  { spaceId, userId, reason }: RoleChangeRequest,
  outcome: { role: string | null; previousRole: string | null; actionId: string | null },
): NewEvent[] {
  if (outcome.role === outcome.previousRole) return [];
  const data = { ...outcome, reason: reason ?? null, by: callerRef(caller) };
  return [{ type: 'member.role_changed', spaceId, userId, data }];
}

/** The role that the user has now, or null. A role that their JWT claims is not known here, and does not count. */
async function roleOf(tx: Tx, tenantId: string, { spaceId, userId }: RoleChangeRequest): Promise<string | null> {
  const where = { tenant: tenantId, space: spaceId, user: userId, claimed: [] };
  const [role] = await callIn(tx, 'role_in_space', where, z.object({ name: z.string().nullable() }));
  return role?.name ?? null;
}

/** The event for the clients in the room, as a list of one delivery. The list is empty if the space has no room. */
async function eventForClients(
  tx: Tx,
  tenantId: string,
  { spaceId }: RoleChangeRequest,
  role: string | null,
  ivsUserId: string,
): Promise<NewDelivery[]> {
  const { roomArn } = await findSpace(tx, tenantId, spaceId);
  if (roomArn === null) return [];
  const attributes = { userId: ivsUserId, ...(role !== null && { role }) };
  return [{ spaceId, operation: 'SendEvent', arn: roomArn, target: roleChangedEvent, parameters: { attributes } }];
}
