import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { callIn, valueIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';

/** The role of a caller, as `role_in_space` returns it. Both fields are null if the caller has no role. */
const foundRole = z.object({ moderator: z.boolean().nullable(), rank: z.int().nullable() });

/**
 * Decides which callers may moderate, and on which users they may act. An API key with the scope may act on everybody, so a
 * tenant cannot lock itself out. An app user may moderate if their role moderates. In a space this is their role there; in
 * the whole tenant it is the role that their JWT claims. They act only on users of a lower rank than their own.
 */
@Injectable()
export class Authority {
  /**
   * Checks that the caller may moderate in a space; null: in the whole tenant.
   * @throws Problem `forbidden` or `banned`
   */
  async assertModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<void> {
    await this.rankOfModerator(tx, caller, spaceId);
  }

  /** Checks that the caller may moderate, and may act on this user. @throws Problem `forbidden` or `banned` */
  async assertMayActOn(tx: Tx, caller: TenantCaller, spaceId: string | null, userId: string): Promise<void> {
    const own = await this.rankOfModerator(tx, caller, spaceId);
    if (own === Infinity) return;
    const { tenantId } = caller;
    const rank = await valueIn(tx, 'rank_of', { tenant: tenantId, space: spaceId, user: userId, limits }, z.int());
    if (rank < own) return;
    throw new Problem('forbidden', 'A moderator can act only on users of a lower rank than their own.');
  }

  /** Checks that the caller may give a role of this rank. @throws Problem `forbidden` or `banned` */
  async assertMayGive(tx: Tx, caller: TenantCaller, spaceId: string, rank: number): Promise<void> {
    if (rank < (await this.rankOfModerator(tx, caller, spaceId))) return;
    throw new Problem('forbidden', 'A moderator can give only roles of a lower rank than their own.');
  }

  /** The rank of a caller who may moderate. Of an API key it is infinite. */
  private async rankOfModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<number> {
    if (caller.kind === 'apiKey') return Infinity;
    const { tenantId, id: userId } = caller;
    const where = { tenant: tenantId, space: spaceId, user: userId };
    const [ban] = await callIn(tx, 'ban_in_force', where, z.object({ id: z.string().nullable() }));
    if (ban?.id != null) throw new Problem('banned', 'A banned user cannot moderate.');
    // Without a space there is no member row and no default role, so the role that the JWT claims decides.
    const [role] = await callIn(tx, 'role_in_space', { ...where, claimed: caller.role ?? null }, foundRole);
    if (role?.moderator) return role.rank ?? -1;
    throw new Problem(
      'forbidden',
      spaceId === null
        ? 'Only an API key, or a user whose JWT claims a role that moderates, can act in the whole tenant. Name a space.'
        : 'The user’s role in this space does not moderate.',
    );
  }
}
