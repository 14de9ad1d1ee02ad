import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database, ReadDatabase, systemScope } from '../database/database.ts';
import { Notifications } from '../database/notifications.ts';
import { type LoggedEvent, readEvents } from './event-log.ts';

/** Largest number of events that one read takes, and that a follower gets at once. */
const eventsOfRead = 100;

/** The channel on which `number_events` tells that a tenant has new events. */
export const eventsChannel = 'stagedoor_events';

/** Gets the events of a tenant as they come: those after the events that it got before, and the place to which they reach. */
export type Follower = (events: LoggedEvent[], position: number) => void;

/** The feed of one tenant. */
interface TenantFeed {
  followers: Set<Follower>;
  /** The place to which the followers have got everything; undefined until the end of the log is known. */
  position: number | undefined;
  reading: Promise<void> | undefined;
  isWoken: boolean;
}

/**
 * Reads the new events of the tenants that somebody on this replica follows: once for each tenant, however many follow it.
 * Replicas tell each other of new events by NOTIFY. One look each second at the ends of all these logs covers a lost message.
 */
@Injectable()
export class EventFeed extends BackgroundWork {
  protected readonly everyMs = 1_000;
  private readonly feeds = new Map<string, TenantFeed>();

  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    notifications: Notifications,
  ) {
    super();
    notifications.listen(eventsChannel, (tenantId) => this.wake(tenantId));
  }

  /** Looks at the ends of the logs that are followed. */
  async run(): Promise<void> {
    const tenants = [...this.feeds.keys()];
    if (tenants.length === 0) return;
    const ends = await this.database.call('event_log_ends', { tenants }, logEnd);
    for (const { tenant_id: tenantId, last_position: last } of ends) {
      const position = this.feeds.get(tenantId)?.position;
      if (position === undefined || position < last) this.wake(tenantId);
    }
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all([...this.feeds.values()].flatMap(({ reading }) => (reading ? [reading] : [])));
  }

  /**
   * Follows the events of a tenant from the place that the feed has now.
   * @returns a function that ends it.
   */
  follow(tenantId: string, follower: Follower): () => void {
    const feed = this.feeds.get(tenantId) ?? {
      followers: new Set(),
      position: undefined,
      reading: undefined,
      isWoken: false,
    };
    this.feeds.set(tenantId, feed);
    feed.followers.add(follower);
    return () => {
      feed.followers.delete(follower);
      if (feed.followers.size === 0 && this.feeds.get(tenantId) === feed) this.feeds.delete(tenantId);
    };
  }

  /** The place to which the followers of a tenant have got everything; undefined: nobody follows, or it is not known yet. */
  positionOf(tenantId: string): number | undefined {
    return this.feeds.get(tenantId)?.position;
  }

  /**
   * Tells the feed of a tenant where the log ends, so that it need not ask. A feed that has begun goes on from where it is.
   */
  beginAt(tenantId: string, position: number): void {
    const feed = this.feeds.get(tenantId);
    if (feed) feed.position ??= position;
  }

  private wake(tenantId: string): void {
    const feed = this.feeds.get(tenantId);
    if (!feed) return;
    feed.isWoken = true;
    feed.reading ??= this.readWhileWoken(tenantId, feed).finally(() => (feed.reading = undefined));
  }

  private async readWhileWoken(tenantId: string, feed: TenantFeed): Promise<void> {
    while (feed.isWoken && feed.followers.size > 0 && feed.position !== undefined) {
      feed.isWoken = false;
      try {
        await this.readOn(tenantId, feed, feed.position);
      } catch (error) {
        this.partFailed(error, 'New events could not be read. The next look, a second later, tries again.');
        return;
      }
    }
  }

  private async readOn(tenantId: string, feed: TenantFeed, from: number): Promise<void> {
    for (let after = from; ;) {
      const asked = { after, limit: eventsOfRead, types: 'all' } as const;
      const found = await this.reads.inScope(systemScope(tenantId), (tx) => readEvents(tx, tenantId, asked));
      if (found.position === after) return;
      after = found.position;
      feed.position = after;
      for (const follower of feed.followers) follower(found.events, after);
      if (after >= found.last) return;
    }
  }
}

/** A row of `event_log_ends`. */
const logEnd = z.object({ tenant_id: z.string(), last_position: z.coerce.number() });
