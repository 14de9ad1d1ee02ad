import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { credentialId, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Database, ReadDatabase, systemScope } from '../database/database.ts';
import { Line } from '../database/line.ts';
import { Problem, rateLimited } from '../errors.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { EventFeed } from './event-feed.ts';
import { type EventsFound, lastPosition, type LoggedEvent, readEvents } from './event-log.ts';
import { EventStream, type StreamFilter } from './event-stream.ts';
import { assertInLog, placeOf } from './events.service.ts';
import { IssuedGrants } from './issued-grants.ts';

/** Streams that read the log at the same time, of all tenants. They use the connections for reads, and leave half of them. */
const readsAtOnce = 2;

/** Longest wait of a stream to read the log, in milliseconds. */
const readWaitMs = 10_000;

/** Events of one read. */
const eventsOfRead = 100;

/** What `Retry-After` says if there is no room for a stream, in seconds. */
const fullSeconds = 10;

/** Time between two looks at the streams, in milliseconds. */
const tickMs = 1_000;

/** A credential with open streams is checked again after this time, in milliseconds. */
const checkMs = 60_000;

/** The streams that one credential has opened on this replica. */
interface Opened {
  caller: TenantCaller;
  streams: Set<EventStream>;
  /** The types that they were opened for. */
  types: Set<string>;
  checkedAt: number;
  isChecking: boolean;
}

/** The streams of events that are open on this replica. */
@Injectable()
export class EventStreams implements BeforeApplicationShutdown {
  private readonly line = new Line(readsAtOnce, 'Too many streams of events begin. Connect again shortly.');
  /** By the credential. */
  private readonly opened = new Map<string, Opened>();
  /** How many streams each tenant has here, with those that are about to open. */
  private readonly counts = new Map<string, number>();
  private total = 0;
  private timer: NodeJS.Timeout | undefined;
  private hasEnded = false;

  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly feed: EventFeed,
    private readonly settings: Settings,
    private readonly metrics: Metrics,
    private readonly issuedGrants: IssuedGrants,
  ) {}

  /**
   * Answers a request with a stream. The answer goes on after this returns.
   * @param lastEventId id of the event after which the stream begins; undefined: it begins with what happens from now on.
   * @throws Problem `rate_limited` if the tenant has too many streams, `unavailable` if the replica has; `invalid_request` if
   * the id is none of this tenant.
   */
  async open(
    caller: TenantCaller,
    filter: StreamFilter,
    lastEventId: string | undefined,
    reply: FastifyReply,
  ): Promise<void> {
    const { tenantId } = caller;
    this.enter(tenantId);
    try {
      const asked = placeOf('Last-Event-ID', lastEventId === '' ? undefined : lastEventId);
      const last = await this.line.run(tenantId, performance.now() + readWaitMs, () =>
        this.reads.inScope(scopeOf(caller), (tx) => lastPosition(tx, tenantId)),
      );
      if (asked !== undefined) assertInLog('Last-Event-ID', asked, last);
      await this.issuedGrants.askFor(tenantId, filter.types);
      if (reply.request.method === 'HEAD') await reply.type('text/event-stream').send();
      if (reply.request.method === 'HEAD' || reply.raw.destroyed) this.leave(tenantId);
      else this.start(caller, filter, asked ?? last, last, reply);
    } catch (error) {
      this.leave(tenantId);
      throw error;
    }
  }

  /** Ends all streams: the replica stops, and readers go on at another one. */
  endAll(): void {
    this.hasEnded = true;
    clearInterval(this.timer);
    for (const { streams } of this.opened.values()) for (const stream of streams) stream.end('stopping');
  }

  beforeApplicationShutdown(): void {
    this.endAll();
  }

  private start(caller: TenantCaller, filter: StreamFilter, from: number, last: number, reply: FastifyReply): void {
    const { tenantId } = caller;
    reply.hijack();
    const response = reply.raw;
    const headers = reply.getHeaders() as Record<string, string>;
    // nginx keeps a stream back unless it is told not to.
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    const readOn = (after: number) => this.readOn(tenantId, filter, after);
    const stream = new EventStream(response, filter, from, readOn, () => this.feed.positionOf(tenantId));
    const opened = this.openedBy(caller);
    opened.streams.add(stream);
    for (const type of filter.types ?? []) opened.types.add(type);
    const unfollow = this.feed.follow(tenantId, (events, position) => {
      stream.take(events, position);
      if (tellsOfRevocation(events, caller)) void this.check(opened);
    });
    this.feed.beginAt(tenantId, last);
    response.once('close', () => {
      stream.forget();
      unfollow();
      opened.streams.delete(stream);
      if (opened.streams.size === 0) this.opened.delete(keyOf(caller));
      this.leave(tenantId);
    });
    this.timer ??= setInterval(() => this.tick(), tickMs).unref();
    if (this.hasEnded) stream.end('stopping');
    else stream.begin();
  }

  private async readOn(tenantId: string, filter: StreamFilter, after: number): Promise<EventsFound> {
    const asked = { ...filter, after, limit: eventsOfRead };
    return await this.line.run(tenantId, performance.now() + readWaitMs, () =>
      this.reads.inScope(systemScope(tenantId), (tx) => readEvents(tx, tenantId, asked)),
    );
  }

  /** Does what is due for each stream, and checks the credentials again. @param now in milliseconds of `performance.now()`. */
  tick(now = performance.now()): void {
    for (const opened of this.opened.values()) {
      for (const stream of opened.streams) stream.tick(now);
      if (now - opened.checkedAt > checkMs) void this.check(opened);
    }
  }

  /** Checks that a credential still holds, and ends its streams if it does not. Without an answer it is asked again. */
  private async check(opened: Opened): Promise<void> {
    if (opened.isChecking) return;
    opened.isChecking = true;
    try {
      await this.database.inTenantOf(opened.caller, () => Promise.resolve());
      await this.issuedGrants.askFor(opened.caller.tenantId, [...opened.types]);
      opened.checkedAt = performance.now();
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'unauthenticated')) return;
      for (const stream of opened.streams) stream.end('unauthenticated');
    } finally {
      opened.isChecking = false;
    }
  }

  private openedBy(caller: TenantCaller): Opened {
    const key = keyOf(caller);
    const known = this.opened.get(key);
    if (known) return known;
    const [streams, types] = [new Set<EventStream>(), new Set<string>()];
    const opened = { caller, streams, types, checkedAt: performance.now(), isChecking: false };
    this.opened.set(key, opened);
    return opened;
  }

  private enter(tenantId: string): void {
    const count = this.counts.get(tenantId) ?? 0;
    const most = this.settings.eventStreamsPerTenant;
    if (count >= most) {
      const detail = `Too many streams are open. A tenant may have ${most} on a replica.`;
      throw rateLimited(detail, { policy: 'streams', quota: most, retryAfterSeconds: fullSeconds });
    }
    if (this.total >= this.settings.eventStreamsPerReplica) {
      throw new Problem('unavailable', 'This replica takes no more streams. Connect again: another may have room.', {
        retryAfterSeconds: fullSeconds,
      });
    }
    this.counts.set(tenantId, count + 1);
    this.total += 1;
    this.metrics.eventStreams.set(this.total);
  }

  private leave(tenantId: string): void {
    const count = (this.counts.get(tenantId) ?? 1) - 1;
    if (count === 0) this.counts.delete(tenantId);
    else this.counts.set(tenantId, count);
    this.total -= 1;
    this.metrics.eventStreams.set(this.total);
  }
}

function scopeOf(caller: TenantCaller) {
  return { tenantId: caller.tenantId, kind: caller.kind, credential: credentialId(caller) };
}

function keyOf(caller: TenantCaller): string {
  return `${caller.tenantId} ${caller.kind} ${credentialId(caller)}`;
}

/** Whether events tell that the key of a caller was revoked. The check that follows finds out whether it holds. */
function tellsOfRevocation(events: LoggedEvent[], caller: TenantCaller): boolean {
  return events.some(
    ({ type, data }) => type === 'api_key.revoked' && (data as { keyId?: string }).keyId === caller.id,
  );
}
