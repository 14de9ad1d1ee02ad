import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import type { Tx } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { type Problem, rateLimited } from '../errors.ts';
import { currentRequest } from '../request-context.ts';

/** A row of `acts_in_last_minute`. */
export const countedActs = z.object({ used: z.int(), oldest: z.coerce.date().nullable() });
type CountedActs = z.output<typeof countedActs>;

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
   * The answer of the request says then how many acts its caller has left.
   * @throws Problem `rate_limited`
   */
  async assertNotTooFast(tx: Tx, { tenantId, kind, id }: TenantCaller, holdsLocks = false): Promise<void> {
    const inTurn = kind === 'user' && !holdsLocks;
    const most = this.mostOf(kind);
    const [found] = await callIn(tx, 'acts_in_last_minute', { tenant: tenantId, kind, id, most, inTurn }, countedActs);
    if (found?.oldest && found.used >= most) throw this.tooFast(kind, found.oldest);
    this.tell(kind, found ?? { used: 0, oldest: null });
  }

  /** Lets the answer of the request say how many acts the caller has left. An act that is recorded from then on counts, too. */
  tell(kind: TenantCaller['kind'], { used, oldest }: CountedActs): void {
    const current = currentRequest();
    if (!current) return;
    const limit = this.limitOf(kind);
    const moreInSeconds = oldest ? this.secondsUntilMore(oldest) : 60;
    current.acts = { limit, left: Math.max(0, limit.quota - used), moreInSeconds };
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
    const limit = this.limitOf(kind);
    const detail = `${words[kind]} acts at most ${limit.quota} times in a minute.`;
    return rateLimited(detail, { ...limit, retryAfterSeconds: this.secondsUntilMore(oldest) });
  }

  private limitOf(kind: TenantCaller['kind']) {
    return { policy: 'acts', quota: this.mostOf(kind), windowSeconds: 60 };
  }

  /** Seconds until the oldest act of the last minute does not count any more. */
  private secondsUntilMore(oldest: Date): number {
    const seconds = Math.ceil((oldest.getTime() + 60_000 - this.clock.now().getTime()) / 1000);
    return Math.min(Math.max(1, seconds), 60);
  }
}
