import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { grantsToSilence, refusePendingGrants } from '../grants/ledger.ts';
import { moderatorRoles } from '../roles/roles.service.ts';
import type { Space } from '../spaces/spaces.schemas.ts';
import { findSpace, lockSpace, setFrozen, SpacesService } from '../spaces/spaces.service.ts';
import type { Action } from './actions.schemas.ts';
import { ActionsService, newestFreezing } from './actions.service.ts';
import { recordAct } from './record-act.ts';
import { cancelActions, undo } from './undo.ts';

/** Freezing: one call makes a space quiet, and one undoes it. */
@Injectable()
export class FreezingService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly actions: ActionsService,
    private readonly spaces: SpacesService,
  ) {}

  /**
   * Freezes a space: from now on only moderators get tokens, and everybody else who may publish or send in chat is
   * disconnected. People who only watch the stage stay.
   */
  async freeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Action> {
    const { tenantId } = caller;
    const id = await this.database.inTenantOf(caller, async (tx) => {
      // The lock comes before the reading: a vend that has begun ends first, and its grant is seen.
      await lockSpace(tx, tenantId, spaceId);
      const space = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      if (space.frozenAt !== null) throw new Problem('conflict', 'The space is frozen already.');
      await setFrozen(tx, tenantId, spaceId, true);
      const moderators = await moderatorRoles(tx, tenantId);
      await refusePendingGrants(tx, tenantId, { spaceId, sparedRoles: moderators });
      const ids = await grantsToSilence(tx, tenantId, spaceId, moderators);
      const grants = [{ ids, keepOut: true }];
      const actionId = await recordAct(tx, caller, { kind: 'space.freeze', spaceId, reason, grants });
      const details = { reason: reason ?? null, grants: ids.length };
      await audit(tx, caller, { action: 'space.freeze', tenantId, spaceId, subject: actionId, details });
      return actionId;
    });
    return await this.actions.carryOut(caller, id);
  }

  /** Unfreezes a space: tokens are vended again, and what the freezing still wanted is cancelled. */
  async unfreeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Space> {
    const meant: { freezeId?: string } = {};
    await undo(this.database, caller, (tx) => this.tryUnfreeze(tx, caller, spaceId, reason, meant));
    return await this.spaces.get(caller, spaceId);
  }

  /**
   * Undefined while a call of the freezing is on its way to IVS.
   * @param meant the freezing that the first try found. A newer one is another decision and stays.
   */
  private async tryUnfreeze(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    reason: string | undefined,
    meant: { freezeId?: string },
  ): Promise<true | undefined> {
    const { tenantId } = caller;
    await lockSpace(tx, tenantId, spaceId);
    const space = await findSpace(tx, tenantId, spaceId);
    await this.authority.assertModerator(tx, caller, spaceId);
    if (space.frozenAt === null) throw new Problem('conflict', 'The space is not frozen.');
    const id = await newestFreezing(tx, tenantId, spaceId);
    meant.freezeId ??= id;
    if (meant.freezeId !== id) throw new Problem('conflict', 'The space was unfrozen and frozen anew meanwhile.');
    if (!(await cancelActions(tx, tenantId, [id], 'the space was unfrozen'))) return undefined;
    await setFrozen(tx, tenantId, spaceId, false);
    const details = { reason: reason ?? null };
    await audit(tx, caller, { action: 'space.unfreeze', tenantId, spaceId, subject: spaceId, details });
    return true;
  }
}
