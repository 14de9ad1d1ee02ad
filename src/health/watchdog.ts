import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ReadDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import {
  bansAfter,
  bansAfterFailure,
  bansAtFirst,
  checkMs,
  longestWaitMs,
  stepsWithin,
  turnEveryMs,
  waitAfter,
} from './watchdog-share.ts';

/** A participant is returning if IVS has confirmed so many disconnections of them within `returningWithin`. */
const returningAfter = 3;
const returningWithin = '5 minutes';

/** Unsealed audit entries are counted up to this number, so that counting stays cheap. */
const mostUnsealedCounted = 100_000;

/** Time after which the count of the users of a space with a capacity is checked again. */
const countCheckedEvery = '1 minute';

/** If no turn has succeeded for longer than this, a replica that shows what was found fails, too. */
const staleSeconds = (longestWaitMs + 60_000) / 1_000;

/** The gauges that a turn sets. Replicas that do not have the turn show what it has found. */
const gauges = [
  'stuckDeliveries',
  'overdueDeliveries',
  'oldestDelivery',
  'returningParticipants',
  'oldestLook',
  'failingWatches',
  'unsealedAudit',
  'oldestUnsealedAudit',
  'openWebhookDeliveries',
  'failingWebhooks',
  'oldestWebhook',
  'oldestUnfinishedAction',
  'oldestErasure',
  'oldestTenantEnd',
  'undeliveredBans',
] as const satisfies (keyof Metrics)[];
type GaugeName = (typeof gauges)[number];

const backlogRow = z.object({ stuck: z.coerce.number(), overdue: z.coerce.number(), oldest_seconds: z.number() });
const returningRow = z.coerce.number();
const looksRow = z.object({ oldest: z.number(), failing: z.coerce.number() });
const webhooksRow = z.object({ open: z.coerce.number(), failing: z.coerce.number(), oldest_seconds: z.number() });
const unsealedRow = z.object({ entries: z.coerce.number(), oldest_seconds: z.number() });
const stepRow = z.object({
  grants: z.coerce.number(),
  is_whole: z.boolean(),
  found: z.coerce.number(),
  pass_seconds: z.number(),
});
const findingsRow = z.object({
  /** A replica of another release may have found other things. */
  findings: z.record(z.string(), z.unknown()),
  failed: z.array(z.string()),
  age_seconds: z.number(),
  pass_age_seconds: z.number(),
  pass_seconds: z.number(),
});
const unfinishedRow = z.object({ erasure: z.number(), tenant_end: z.number() });
const wrongPlaces = z.int().nullable();

/**
 * Checks that deliveries are made, that the disconnected stay away, that watched stages are looked at, that audit entries are
 * sealed, that large acts, erasures and ends of tenants get finished, that holds cover the grants of all banned users, and that
 * the users of spaces with a capacity are counted rightly. It sets the metrics for them. A check that fails does not keep the
 * others from running.
 *
 * The replicas take turns, one every 15 seconds, and share the pass over all bans: its position is in Postgres. The others show
 * what the last turn has found.
 */
@Injectable()
export class Watchdog extends BackgroundWork {
  /** A turn that is due begins within this time. */
  protected readonly everyMs = 5_000;
  private readonly logger = new Logger(Watchdog.name);
  private readonly startedAt = performance.now();
  private passedAt = this.startedAt;
  private lastPassSeconds = 0;
  private bansAtOnce = bansAtFirst;
  /** Beginnings and ends of runs. It is odd while one runs. */
  private runs = 0;
  /** What this run has found. */
  private findings: Partial<Record<GaugeName, number>> = {};

  constructor(
    private readonly database: ReadDatabase,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** Seconds since all bans were checked, by whichever replica, or since the start of the process. */
  get secondsSinceWholePass(): number {
    return (performance.now() - this.passedAt) / 1000;
  }

  /** Seconds that the last pass over all bans took. */
  get secondsOfLastPass(): number {
    return this.lastPassSeconds;
  }

  /** Makes all checks now, as far as the time of a turn goes, whoever's turn it is. */
  async run(): Promise<void> {
    this.runs++;
    const began = performance.now();
    this.findings = {};
    // One after the other, so that reads of callers find a connection.
    const failures: unknown[] = [];
    const failed: string[] = [];
    for (const [name, check] of Object.entries({
      deliveries: this.checkDeliveries,
      returning: this.checkReturning,
      looks: this.checkLooks,
      audit: this.checkAudit,
      webhooks: this.checkWebhooks,
      unfinished: this.checkUnfinished,
      bans: this.checkBans,
      counts: this.checkCounts,
    })) {
      // oxlint-disable-next-line no-await-in-loop
      await check.call(this).catch((error: unknown) => {
        failures.push(error);
        failed.push(name);
      });
    }
    const wait = `${waitAfter(performance.now() - began)} milliseconds`;
    await this.database.run('end_watchdog_turn', { findings: this.findings, failed, wait }).finally(() => this.runs++);
    if (failures.length > 0) throw new AggregateError(failures, 'the watchdog could not check everything');
  }

  /** Takes the turn if one is due, or shows what the last one has found. */
  protected override async runOnTime(): Promise<void> {
    const turn = { every: `${turnEveryMs} milliseconds`, longest: `${longestWaitMs} milliseconds` };
    const isMine = await this.database.value('take_watchdog_turn', turn, z.boolean());
    await (isMine ? this.run() : this.showFindings());
  }

  /**
   * Shows what another replica has found.
   * @throws {Error} if no turn has succeeded for long: then the age of this work tells.
   */
  private async showFindings(): Promise<void> {
    const { runs } = this;
    const [turn] = await this.database.call('watchdog_findings', {}, findingsRow);
    // What this replica finds meanwhile is newer.
    if (!turn || runs % 2 === 1 || runs !== this.runs) return;
    for (const name of gauges) {
      const value = turn.findings[name];
      if (typeof value === 'number') this.metrics[name].set(value);
    }
    this.passedAt = Math.max(this.startedAt, performance.now() - turn.pass_age_seconds * 1000);
    this.lastPassSeconds = turn.pass_seconds;
    if (turn.age_seconds <= staleSeconds) return;
    const seconds = Math.round(turn.age_seconds);
    const failed = turn.failed.length > 0 ? `; the last one could not check: ${turn.failed.join(', ')}` : '';
    throw new Error(`no turn of the watchdog has succeeded for ${seconds} seconds, on whichever replica${failed}`);
  }

  private set(name: GaugeName, value: number): void {
    this.metrics[name].set(value);
    this.findings[name] = value;
  }

  private async checkDeliveries(): Promise<void> {
    const [backlog] = await this.database.call('delivery_backlog', { overdueAfter: '10 seconds' }, backlogRow);
    this.set('stuckDeliveries', backlog?.stuck ?? 0);
    this.set('overdueDeliveries', backlog?.overdue ?? 0);
    this.set('oldestDelivery', backlog?.oldest_seconds ?? 0);
  }

  /** Looks at the outcome: whether those whom IVS has disconnected stay away. */
  private async checkReturning(): Promise<void> {
    const args = { times: returningAfter, within: returningWithin };
    const returning = await this.database.value('returning_participants', args, returningRow);
    this.set('returningParticipants', returning);
  }

  private async checkLooks(): Promise<void> {
    const [looks] = await this.database.call('watch_backlog', {}, looksRow);
    this.set('oldestLook', looks?.oldest ?? 0);
    this.set('failingWatches', looks?.failing ?? 0);
  }

  private async checkAudit(): Promise<void> {
    const [unsealed] = await this.database.call('unsealed_audit', { most: mostUnsealedCounted }, unsealedRow);
    this.set('unsealedAudit', unsealed?.entries ?? 0);
    this.set('oldestUnsealedAudit', unsealed?.oldest_seconds ?? 0);
  }

  /** Looks at what goes on in steps until it is finished: it may fail, or wait for what never comes. */
  private async checkUnfinished(): Promise<void> {
    this.set('oldestUnfinishedAction', await this.database.value('oldest_unfinished_action', {}, z.number()));
    const [oldest] = await this.database.call('oldest_erasures', {}, unfinishedRow);
    this.set('oldestErasure', oldest?.erasure ?? 0);
    this.set('oldestTenantEnd', oldest?.tenant_end ?? 0);
  }

  /** Checks the counts of users that are due, and mends them, until its time is over. */
  private async checkCounts(): Promise<void> {
    await stepsWithin(checkMs.counts, async () => {
      const wrong = await this.database.value('check_count', { every: countCheckedEvery, limits }, wrongPlaces);
      if (wrong === null) return true;
      if (wrong > 0) {
        this.metrics.wrongPlaces.inc(wrong);
        this.logger.error(
          { users: wrong },
          'users of a space with a capacity were counted wrongly; they are counted anew',
        );
      }
      return false;
    });
  }

  private async checkWebhooks(): Promise<void> {
    const steady = limits.steadyFailures;
    const [backlog] = await this.database.call('webhook_backlog', { steady }, webhooksRow);
    this.set('openWebhookDeliveries', backlog?.open ?? 0);
    this.set('failingWebhooks', backlog?.failing ?? 0);
    this.set('oldestWebhook', backlog?.oldest_seconds ?? 0);
  }

  /** Goes on with the pass over all bans, until it is whole or the time is over. */
  private async checkBans(): Promise<void> {
    await stepsWithin(checkMs.bans, () => this.checkNextBans());
  }

  /** Takes the next step of the pass. Returns whether the pass is whole. */
  private async checkNextBans(): Promise<boolean> {
    const began = performance.now();
    const [step] = await this.database
      .call('check_bans', { most: this.bansAtOnce, limits }, stepRow)
      .catch((error: unknown) => {
        // The time of the statement grows with the grants of the banned users. So fewer bans may be checked in time.
        if (error instanceof Problem) this.bansAtOnce = bansAfterFailure(this.bansAtOnce);
        throw error;
      });
    if (!step) throw new Error('check_bans returned no row');
    this.bansAtOnce = bansAfter(this.bansAtOnce, performance.now() - began);
    if (step.grants > 0) {
      this.logger.error({ grants: step.grants }, 'banned users have grants that no action holds');
    }
    this.set('undeliveredBans', step.found);
    if (!step.is_whole) return false;
    this.passedAt = performance.now();
    this.lastPassSeconds = step.pass_seconds;
    return true;
  }
}
