import type { TenantCaller } from '../caller.ts';

/** A user who asks for tokens, with a rank that a ban against them does not bind. */
export interface OutrankedBan {
  banId: string;
  userId: string;
  /** Rank of the user's own role. */
  rank: number;
}

/** Ends bans that do not bind the user whom they are against. The folder `bans` provides it (`BansService`). */
export abstract class OutrankedBans {
  /** Ends the ban as if it were lifted, and marks it. It does nothing if the ban has ended meanwhile. */
  abstract end(caller: TenantCaller, ban: OutrankedBan): Promise<void>;
}
