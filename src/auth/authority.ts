import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';

interface FoundRole {
  moderator: boolean;
  rank: number;
}

/**
 * Who may moderate, and whom. API keys with the scope may act on everybody, so a tenant cannot lock itself out. App
 * users moderate where their role says so: in a space by their role there, in the whole tenant by a role their JWT
 * claims. They act only on users of lower rank, or of none.
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
    const [found] = await tx.$queryRaw<{ rank: number }[]>`
      select rank_of(${caller.tenantId}, ${spaceId}, ${userId}) as rank`;
    if ((found?.rank ?? -1) < own) return;
    throw new Problem('forbidden', 'A moderator acts only on users of lower rank.');
  }

  /** A moderator may give roles below his own rank, and no others. */
  async assertMayGive(tx: Tx, caller: TenantCaller, spaceId: string, rank: number): Promise<void> {
    if (rank < (await this.rankOfModerator(tx, caller, spaceId))) return;
    throw new Problem('forbidden', 'A moderator gives only roles of lower rank than his own.');
  }

  private async rankOfModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<number> {
    if (caller.kind === 'apiKey') return Infinity;
    const { tenantId, id: userId } = caller;
    const bans = await tx.$queryRaw<{ id: string | null }[]>`
      select id from ban_in_force(${tenantId}, ${userId}, ${spaceId}) where id is not null`;
    if (bans.length > 0) throw new Problem('banned', 'A banned user does not moderate.');
    // Without a space there is neither a member row nor a default: what counts is the role the JWT claims.
    const [role] = await tx.$queryRaw<FoundRole[]>`
      select moderator, rank from role_in_space(${tenantId}, ${spaceId}, ${userId}, ${caller.role ?? null})
       where name is not null`;
    if (role?.moderator) return role.rank;
    throw new Problem(
      'forbidden',
      spaceId === null
        ? 'Only an API key, or a user whose token claims a role that moderates, acts in the whole tenant; name a space.'
        : 'The user’s role in this space does not moderate.',
    );
  }
}
