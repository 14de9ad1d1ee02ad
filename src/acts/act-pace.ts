import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import type { Tx } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';

/** A row of `acts_in_last_minute`. */
const acts = z.object({ used: z.int(), oldest: z.coerce.date().nullable() });

const words: Record<TenantCaller['kind'], string> = {
  user: 'A moderator',
  apiKey: 'An API key',
  consoleUser: 'A person at the console',
};

/**
 * Limits how many acts one caller records in a minute: a moderator whose JWT was stolen bans no thousands. Lifting a ban and
 * unfreezing a space are not counted and not refused: a moderator who made a mistake can always undo it at once.
 */
@Injectable()
export class ActPace {
  constructor(
    private readonly settings: Settings,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Call it in the transaction of an act. The acts of a person then run one after the other. Those of an API key do not, so
   * it may go a little over its limit.
   * @param holdsLocks true: the transaction holds locks already. Then it waits for no other act, so that no two deadlock.
   * @throws Problem `rate_limited`
   */
  async assertNotTooFast(tx: Tx, { tenantId, kind, id }: TenantCaller, holdsLocks = false): Promise<void> {
    const inTurn = kind === 'user' && !holdsLocks;
    const most = this.mostOf(kind);
    const [found] = await callIn(tx, 'acts_in_last_minute', { tenant: tenantId, kind, id, most, inTurn }, acts);
    if (!found?.oldest || found.used < most) return;
    throw this.tooFast(kind, found.oldest);
  }

  /**
   * How many acts a caller of this kind may record in a minute. A person at the console may as many as an API key: they end a
   * raid of hundreds at once, and are signed in for half a day at most.
   */
  mostOf(kind: TenantCaller['kind']): number {
    return kind === 'user' ? this.settings.actsPerModeratorPerMinute : this.settings.actsPerApiKeyPerMinute;
  }

  /** The problem of a caller who acts too fast. @param oldest time of their oldest act of the last minute. */
  tooFast(kind: TenantCaller['kind'], oldest: Date): Problem {
    const most = this.mostOf(kind);
    const seconds = Math.max(1, Math.ceil((oldest.getTime() + 60_000 - this.clock.now().getTime()) / 1000));
    return new Problem('rate_limited', `${words[kind]} acts at most ${most} times in a minute.`, {
      retryAfterSeconds: Math.min(seconds, 60),
      headers: { 'ratelimit-policy': `"acts";q=${most};w=60`, ratelimit: `"acts";r=0;t=${Math.min(seconds, 60)}` },
    });
  }
}
