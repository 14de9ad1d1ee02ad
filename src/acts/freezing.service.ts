import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { Authority } from '../auth/authority.ts';
import { callerRef, type TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { NewEvent } from '../events/event-log.ts';
import { grantsToSilence, refusePendingGrants } from '../grants/ledger.ts';
import { lockModeratorRoles } from '../roles/roles.service.ts';
import type { Space } from '../spaces/spaces.schemas.ts';
import { findSpace, lockSpace, setFrozen, toSpace } from '../spaces/spaces.service.ts';
import type { Action } from './actions.schemas.ts';
import { ActPace } from './act-pace.ts';
import { ActionsService, newestFreezing } from './actions.service.ts';
import { findAction } from './shown-action.ts';
import { recordAct } from './record-act.ts';
import { cancelActions, undo } from './undo.ts';

/** Freezes and unfreezes spaces. */
@Injectable()
export class FreezingService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly pace: ActPace,
    private readonly actions: ActionsService,
  ) {}

  /**
   * Freezes a space. From now on only moderators get tokens. Everybody else who may publish or send messages is
   * disconnected. People who only watch the stage stay.
   * @throws Problem `not_found`, `forbidden` or `banned`, or `conflict` if the space is frozen already.
   */
  async freeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Action> {
    const { tenantId } = caller;
    const recorded = await this.database.inTenantOf(caller, async (tx) => {
      await this.pace.assertNotTooFast(tx, caller);
      // The lock waits for vends that have begun. The reads after it see their grants.
      await lockSpace(tx, tenantId, spaceId, 'exclusive');
      const space = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      if (space.frozenAt !== null) throw new Problem('conflict', 'The space is frozen already.');
      await setFrozen(tx, tenantId, spaceId, true);
      const moderators = await lockModeratorRoles(tx, tenantId);
      await refusePendingGrants(tx, tenantId, { spaceId, sparedRoles: moderators });
      const ids = await grantsToSilence(tx, tenantId, spaceId, moderators);
      const grants = [{ ids, keepOut: true }];
      const made = await recordAct(tx, caller, { kind: 'space.freeze', spaceId, reason, grants });
      const details = { reason: reason ?? null, grants: ids.length };
      const answer = async () => ({ status: 202, body: await findAction(tx, caller, made.id) });
      const events = eventOf('space.frozen', caller, spaceId, made.id, reason);
      await audit(tx, caller, { action: 'space.freeze', tenantId, spaceId, subject: made.id, details, events, answer });
      return made;
    });
    return await this.actions.carryOut(caller, recorded);
  }

  /**
   * Unfreezes a space, and cancels the deliveries of the freezing that are not done.
   * @throws Problem `not_found`, `forbidden` or `banned`, or `conflict` if the space is not frozen.
   */
  async unfreeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Space> {
    const freezing: { actionId?: string } = {};
    return await undo(this.database, caller, (tx) => this.tryUnfreeze(tx, caller, spaceId, reason, freezing));
  }

  /**
   * Returns undefined while a call of the freezing is on its way to IVS.
   * @param freezing the freezing to undo. The first try sets it. A later try does not undo a newer freezing.
   */
  private async tryUnfreeze(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    reason: string | undefined,
    freezing: { actionId?: string },
  ): Promise<Space | undefined> {
    const { tenantId } = caller;
    await lockSpace(tx, tenantId, spaceId, 'exclusive');
    const space = await findSpace(tx, tenantId, spaceId);
    await this.authority.assertModerator(tx, caller, spaceId);
    if (space.frozenAt === null) throw new Problem('conflict', 'The space is not frozen.');
    const id = await newestFreezing(tx, tenantId, spaceId);
    freezing.actionId ??= id;
    if (freezing.actionId !== id) throw new Problem('conflict', 'The space was unfrozen and frozen again meanwhile.');
    if (!(await cancelActions(tx, tenantId, [id], 'the space was unfrozen'))) return undefined;
    await setFrozen(tx, tenantId, spaceId, false);
    const details = { reason: reason ?? null };
    const unfrozen = toSpace(await findSpace(tx, tenantId, spaceId));
    const answer = () => ({ status: 200, body: unfrozen });
    const events = eventOf('space.unfrozen', caller, spaceId, id, reason);
    await audit(tx, caller, { action: 'space.unfreeze', tenantId, spaceId, subject: spaceId, details, events, answer });
    return unfrozen;
  }
}

function eventOf(
  type: 'space.frozen' | 'space.unfrozen',
  caller: TenantCaller,
  spaceId: string,
  actionId: string,
  reason: string | undefined,
): NewEvent[] {
  return [{ type, spaceId, data: { actionId, reason: reason ?? null, by: callerRef(caller) } }];
}
