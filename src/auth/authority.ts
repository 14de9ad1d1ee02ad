import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { callIn, valueIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';

/** The role of a caller; nulls if they have none. */
const foundRole = z.object({ moderator: z.boolean().nullable(), rank: z.int().nullable() });

/**
 * Decides who may moderate, and whom. API keys with the scope may act on everybody, so a tenant cannot lock itself out. App
 * users moderate where their role says so: in a space by their role there, in the whole tenant by the role that their JWT
 * claims. They act only on users of lower rank than their own.
 */
@Injectable()
export class Authority {
  /** @throws Problem `forbidden` or `banned` */
  async assertModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<void> {
    await this.rankOfModerator(tx, caller, spaceId);
  }

  /** @throws Problem `forbidden` or `banned` */
  async assertMayActOn(tx: Tx, caller: TenantCaller, spaceId: string | null, userId: string): Promise<void> {
    const own = await this.rankOfModerator(tx, caller, spaceId);
    if (own === Infinity) return;
    const { tenantId } = caller;
    const rank = await valueIn(tx, 'rank_of', { tenant: tenantId, space: spaceId, user: userId, limits }, z.int());
    if (rank < own) return;
    throw new Problem('forbidden', 'A moderator acts only on users of lower rank.');
  }

  /** Checks that a moderator gives a role below their own rank. @throws Problem `forbidden` or `banned` */
  async assertMayGive(tx: Tx, caller: TenantCaller, spaceId: string, rank: number): Promise<void> {
    if (rank < (await this.rankOfModerator(tx, caller, spaceId))) return;
    throw new Problem('forbidden', 'A moderator gives only roles of lower rank than their own.');
  }

  private async rankOfModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<number> {
    if (caller.kind === 'apiKey') return Infinity;
    const { tenantId, id: userId } = caller;
    const where = { tenant: tenantId, space: spaceId, user: userId };
    const [ban] = await callIn(tx, 'ban_in_force', where, z.object({ id: z.string().nullable() }));
    if (ban?.id != null) throw new Problem('banned', 'A banned user does not moderate.');
    // Without a space there is neither a member row nor a default. The role that the JWT claims decides.
    const [role] = await callIn(tx, 'role_in_space', { ...where, claimed: caller.role ?? null }, foundRole);
    if (role?.moderator) return role.rank ?? -1;
    throw new Problem(
      'forbidden',
      spaceId === null
        ? 'Only an API key, or a user whose token claims a role that moderates, acts in the whole tenant; name a space.'
        : 'The user’s role in this space does not moderate.',
    );
  }
}
