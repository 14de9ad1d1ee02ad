import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { valueIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import type { ReplayAuthority } from '../http/replay-authority.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';

/** What `moderator_rank` returns. */
const moderatorRank = z.union([z.object({ rank: z.int() }), z.object({ refused: z.enum(['banned', 'no_moderator']) })]);

/**
 * Decides which callers may moderate, and on which users they may act. An API key with the scope may act on everybody, and so
 * may a person whose role of the console has it. So a tenant cannot lock itself out. An app user may moderate if their role
 * moderates. In a space this is their role there. In the whole tenant it is the role that their JWT claims, and every role that
 * they have as a member must moderate too. They act only on users of a lower rank than their own, and never on themselves.
 */
@Injectable()
export class Authority implements ReplayAuthority {
  constructor(private readonly secrets: Secrets) {}

  /**
   * Checks that the caller may moderate in a space; null: in the whole tenant.
   * @throws Problem `forbidden` or `banned`
   */
  async assertModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<void> {
    await this.rankOfModerator(tx, caller, spaceId);
  }

  /**
   * Checks that the caller may moderate, and may act on this user. It takes the lock of the user, so their rank stays as it
   * is until the transaction ends.
   * @returns the rank of the caller; null for an API key and for a person at the console. Else the act binds only users of a
   * lower rank (`binds`).
   * @throws Problem `forbidden` or `banned`
   */
  async assertMayActOn(tx: Tx, caller: TenantCaller, spaceId: string | null, userId: string): Promise<number | null> {
    const own = await this.rankOfModerator(tx, caller, spaceId);
    if (caller.kind !== 'user') return null;
    if (userId === caller.id) throw mayNotAct('themselves', spaceId);
    const where = { tenant: caller.tenantId, space: spaceId, user: userId };
    const rank = await valueIn(tx, 'rank_to_act_on', { ...where, limits }, z.int());
    if (rank < own) return own;
    throw mayNotAct('rank', spaceId);
  }

  /** Checks that the caller may give a role of this rank. @throws Problem `forbidden` or `banned` */
  async assertMayGive(tx: Tx, caller: TenantCaller, spaceId: string, rank: number): Promise<void> {
    if (rank < (await this.rankOfModerator(tx, caller, spaceId))) return;
    throw new Problem('forbidden', 'A moderator can give only roles of a lower rank than their own.');
  }

  /** The rank of a caller who may moderate. Of an API key, and of a person at the console, it is infinite. */
  private async rankOfModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<number> {
    if (caller.kind !== 'user') return Infinity;
    const { tenantId: tenant, id: user, roles: claimed } = caller;
    const pseudonym = this.secrets.pseudonym(tenant, user);
    const where = { tenant, space: spaceId, user, claimed, pseudonym };
    const found = await valueIn(tx, 'moderator_rank', where, moderatorRank);
    if ('refused' in found) throw mayNotAct(found.refused, spaceId);
    noteModerator(spaceId);
    return found.rank;
  }
}

/** Notes that the caller of the request moderates in a space; null: in the whole tenant. */
export function noteModerator(spaceId: string | null): void {
  const request = currentRequest();
  if (request) request.moderatedIn = spaceId;
}

/** Why somebody may not act on a user, as `moderator_rank` and `create_ban` say it. */
export const mayNotActReasons = ['banned', 'no_moderator', 'themselves', 'rank'] as const;

/** The problem of a caller who may not act. */
export function mayNotAct(reason: (typeof mayNotActReasons)[number], spaceId: string | null): Problem {
  switch (reason) {
    case 'banned':
      return new Problem('banned', 'A banned user cannot moderate.');
    case 'no_moderator':
      return new Problem(
        'forbidden',
        spaceId === null ? noModeratorOfTenant : 'The user’s role in this space does not moderate.',
      );
    case 'themselves':
      return new Problem('forbidden', 'A moderator cannot act on themselves.');
    case 'rank':
      return new Problem('forbidden', 'A moderator can act only on users of a lower rank than their own.');
  }
}

const noModeratorOfTenant =
  'Only an API key, or a user whose JWT claims a role that moderates, can act in the whole tenant. A user must moderate in every space where they are a member. Name a space.';
