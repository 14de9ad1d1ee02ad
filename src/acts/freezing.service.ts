import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Space } from '../spaces/spaces.schemas.ts';
import { findSpace, SpacesService } from '../spaces/spaces.service.ts';
import type { Action } from './actions.schemas.ts';
import { ActionsService } from './actions.service.ts';
import { actOnGrants } from './act-on-grants.ts';
import { Authority } from '../auth/authority.ts';
import { callOff, undo } from './undo.ts';

/** The panic button: one call that makes a space quiet, and one that undoes it. */
@Injectable()
export class FreezingService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly actions: ActionsService,
    private readonly spaces: SpacesService,
  ) {}

  /**
   * No new tokens but for moderators; everybody else who may publish, or send in chat, is disconnected. Who only watches
   * the stage may go on.
   */
  async freeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Action> {
    const { tenantId } = caller;
    const id = await this.database.inTenantOf(caller, async (tx) => {
      // Before the space is read: a vend that has begun ends first, and its grant is seen.
      await tx.$executeRaw`select lock_space(${tenantId}, ${spaceId}, true)`;
      const space = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      if (space.frozenAt !== null) throw new Problem('conflict', 'The space is frozen already.');
      await tx.$executeRaw`update spaces set frozen_at = now(), updated_at = now()
                            where tenant_id = ${tenantId} and id = ${spaceId}`;
      const actionId = await this.actions.record(tx, caller, { kind: 'space.freeze', spaceId, reason });
      // Vends that have begun do not hand out what they are making.
      await tx.$executeRaw`
        update grants g set state = 'refused'
         where g.tenant_id = ${tenantId} and g.space_id = ${spaceId} and g.state = 'pending'
           and not exists (select from roles r where r.tenant_id = ${tenantId} and r.name = g.role and r.moderator)`;
      const [loud] = await tx.$queryRaw<{ ids: string[] }[]>`select loud_grants(${tenantId}, ${spaceId}) as ids`;
      await actOnGrants(tx, tenantId, actionId, loud?.ids ?? [], { keepOut: true });
      const details = { reason: reason ?? null, grants: loud?.ids.length ?? 0 };
      await audit(tx, caller, { action: 'space.freeze', tenantId, spaceId, subject: actionId, details });
      return actionId;
    });
    return await this.actions.carryOut(caller, id);
  }

  /** Gives tokens again, and calls off what the freezing still had to do. */
  async unfreeze(caller: TenantCaller, spaceId: string, reason: string | undefined): Promise<Space> {
    const meant: { freezeId?: string } = {};
    await undo(this.database, caller, (tx) => this.tryUnfreeze(tx, caller, spaceId, reason, meant));
    return await this.spaces.get(caller, spaceId);
  }

  /**
   * Undefined while a call of the freezing is under way.
   * @param meant the freezing that is undone, known from the first try on: a newer one is somebody's decision, and stays.
   */
  private async tryUnfreeze(
    tx: Tx,
    caller: TenantCaller,
    spaceId: string,
    reason: string | undefined,
    meant: { freezeId?: string },
  ): Promise<true | undefined> {
    const { tenantId } = caller;
    await tx.$executeRaw`select lock_space(${tenantId}, ${spaceId}, true)`;
    const space = await findSpace(tx, tenantId, spaceId);
    await this.authority.assertModerator(tx, caller, spaceId);
    if (space.frozenAt === null) throw new Problem('conflict', 'The space is not frozen.');
    const where = { tenantId, spaceId, kind: 'space.freeze' };
    const { id } = await tx.action.findFirstOrThrow({ where, orderBy: { createdAt: 'desc' }, select: { id: true } });
    meant.freezeId ??= id;
    if (meant.freezeId !== id) throw new Problem('conflict', 'The space was thawed and frozen anew meanwhile.');
    if (!(await callOff(tx, tenantId, [id], 'the space was unfrozen'))) return undefined;
    await tx.$executeRaw`
      update spaces set frozen_at = null, updated_at = now() where tenant_id = ${tenantId} and id = ${spaceId}`;
    const details = { reason: reason ?? null };
    await audit(tx, caller, { action: 'space.unfreeze', tenantId, spaceId, subject: spaceId, details });
    return true;
  }
}
