import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database } from '../database/database.ts';
import { Line } from '../database/line.ts';
import { Problem, rateLimited } from '../errors.ts';
import { eventsOfTenant, lookedAtForEvents } from '../ivs/call-rates.ts';
import { ReportedEvents } from '../sessions/reported-events.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { fieldOf, type IvsEvent, type Subject, subjectOf, timeOf } from './ivs-event.ts';

/** Largest number of events that a replica stores at the same time. Vends use the same connections. */
const storedAtOnce = 2;

/** Longest wait of an event for its turn, in milliseconds. Then EventBridge sends it again later. */
const longestWaitMs = 2_000;

/** A longer `detail` is not kept, in characters of JSON. Those that AWS documents have some hundred. */
const longestDetail = 8_192;

/** The `detail-type` of events about participants (AWS user guide, EventBridge). */
const stageUpdate = 'IVS Stage Update';

const found = z.object({
  outcome: z.enum(['resource', 'account', 'known', 'busy', 'new']),
  tenant_id: z.string().nullable(),
  space_id: z.string().nullable(),
});

/** The way on which an event came. */
export type Way = 'http' | 'queue';

/**
 * What became of an event: it is stored, it has come before, or it is none of ours. The reason is `source`, `account` (or
 * Region) or `resource`.
 */
export type Ingested = { outcome: 'taken' | 'known' } | { outcome: 'ignored'; reason: string };

/**
 * Takes the events of IVS that EventBridge brings. They can be late, doubled, disordered, lost, and forged by whoever has the
 * secret. So they only make looks due earlier and say what was reported: no decision of moderation rests on them.
 */
@Injectable()
export class IngestService {
  private readonly line = new Line(storedAtOnce, 'Too many events of IVS arrive. Send this one again.');

  constructor(
    private readonly database: Database,
    private readonly clock: DatabaseClock,
    private readonly reported: ReportedEvents,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Stores an event, or recognizes it. What it says is noted before: an event that was stored has had its effect.
   * @throws Problem `unavailable` if the database fails, and `rate_limited` if too many events of the tenant come. Then the
   * event is not stored.
   */
  async take(event: IvsEvent, way: Way): Promise<Ingested> {
    try {
      const ingested = await this.ingest(event);
      this.metrics.ivsEvents.inc({ way, reason: '', ...ingested });
      if (ingested.outcome === 'taken') {
        this.metrics.ivsEventAge.observe(Math.max(0, (this.clock.now().getTime() - timeOf(event).getTime()) / 1_000));
      }
      return ingested;
    } catch (error) {
      const isBusy = error instanceof Problem && error.code === 'rate_limited';
      this.metrics.ivsEvents.inc({ way, outcome: isBusy ? 'busy' : 'failed', reason: '' });
      throw error;
    }
  }

  private async ingest(event: IvsEvent): Promise<Ingested> {
    const subject = subjectOf(event);
    if (typeof subject === 'string') return { outcome: 'ignored', reason: subject };
    const deadline = performance.now() + longestWaitMs;
    return await this.line.run(subject.arn, deadline, () => this.store(event, subject));
  }

  private async store(event: IvsEvent, { kind, arn }: Subject): Promise<Ingested> {
    const { id, account, region } = event;
    const [owner] = await this.database.call(
      'find_ivs_event',
      { kind, arn, account, region, event: id, ...eventsOfTenant },
      found,
    );
    if (!owner || owner.outcome === 'resource' || owner.outcome === 'account') {
      return { outcome: 'ignored', reason: owner?.outcome ?? 'resource' };
    }
    if (owner.outcome === 'known') return { outcome: 'known' };
    if (owner.outcome === 'busy') {
      const { rate, burst } = eventsOfTenant;
      throw rateLimited('Too many events of IVS come about the stages of one tenant. Send this one later.', {
        policy: 'ivs-events',
        quota: burst,
        windowSeconds: burst / rate,
        retryAfterSeconds: 1,
      });
    }
    // First: a copy of an event that is kept has no effect, so a crash in between must not leave it kept and without one.
    if (event['detail-type'] === stageUpdate && kind === 'stage') await this.report(event, arn);
    const isNew = await this.database.value(
      'keep_ivs_event',
      { tenant: owner.tenant_id, space: owner.space_id, event: describe(event), rates: lookedAtForEvents },
      z.boolean(),
    );
    return { outcome: isNew ? 'taken' : 'known' };
  }

  private async report(event: IvsEvent, stageArn: string): Promise<void> {
    await this.reported.report({
      name: fieldOf(event, 'event_name'),
      stageArn,
      sessionId: fieldOf(event, 'session_id'),
      participantId: fieldOf(event, 'participant_id'),
      userId: fieldOf(event, 'user_id'),
      at: timeOf(event),
    });
  }
}

/** An event as `keep_ivs_event` takes it. */
function describe(event: IvsEvent): object {
  return {
    id: event.id,
    type: event['detail-type'],
    at: new Date(event.time).toISOString(),
    ...(JSON.stringify(event.detail).length <= longestDetail && { detail: event.detail }),
    participantId: fieldOf(event, 'participant_id'),
    userId: fieldOf(event, 'user_id'),
  };
}
