import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ReadDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Largest number of bans that one statement checks. The watchdog checks fewer when a statement runs into its time limit. */
const mostBansAtOnce = 1_000;

/**
 * Time after which a run begins no further statement about bans, in milliseconds: so that the watchdog takes less than a hundredth
 * of a core. A pass that lasts for longer than `longPassSeconds` takes more, because somebody is told of one that takes five minutes.
 */
const banCheckMs = { usual: 100, late: 1_000 };
const longPassSeconds = 150;

/** A participant is returning if IVS has confirmed so many disconnections of them within `returningWithin`. */
const returningAfter = 3;
const returningWithin = '5 minutes';

/** Unsealed audit entries are counted up to this number, so that counting stays cheap. */
const mostUnsealedCounted = 100_000;

/** Time after which the count of the users of a space with a capacity is checked again. */
const countCheckedEvery = '1 minute';

/** Time after which a run checks no further count, in milliseconds. */
const countCheckMs = 1_000;

/** The position before the first ban. */
const startOfBans = { tenantId: '', banId: '' };

const backlogRow = z.object({ stuck: z.coerce.number(), overdue: z.coerce.number(), oldest_seconds: z.number() });
const returningRow = z.coerce.number();
const looksRow = z.object({ oldest: z.number(), failing: z.coerce.number() });
const webhooksRow = z.object({ open: z.coerce.number(), failing: z.coerce.number(), oldest_seconds: z.number() });
const unsealedRow = z.object({ entries: z.coerce.number(), oldest_seconds: z.number() });
const passRow = z.object({
  tenant_id: z.string().nullable(),
  ban_id: z.string().nullable(),
  grants: z.coerce.number(),
});
const unfinishedRow = z.object({ erasure: z.number(), tenant_end: z.number() });
const wrongPlaces = z.int().nullable();

/**
 * Checks every 15 seconds that deliveries are made, that the disconnected stay away, that watched stages are looked at, that
 * audit entries are sealed, that large acts, erasures and ends of tenants get finished, that holds cover the grants of all banned users, and that the users of spaces with a capacity are
 * counted rightly. It sets the metrics for them. A check that fails does not keep the others from running.
 */
@Injectable()
export class Watchdog extends BackgroundWork {
  protected readonly everyMs = 15_000;
  private readonly logger = new Logger(Watchdog.name);
  /** The last ban that was checked. A pass over many bans takes several runs. */
  private position = startOfBans;
  private bansAtOnce = mostBansAtOnce;
  private foundInThisPass = 0;
  private foundInLastPass = 0;
  private passedAt = performance.now();

  constructor(
    private readonly database: ReadDatabase,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** Seconds since all bans were checked, or since the start of the process. */
  get secondsSinceWholePass(): number {
    return (performance.now() - this.passedAt) / 1000;
  }

  async run(): Promise<void> {
    // One after the other, so that reads of callers find a connection.
    const failures: unknown[] = [];
    for (const check of [
      this.checkDeliveries,
      this.checkReturning,
      this.checkLooks,
      this.checkAudit,
      this.checkWebhooks,
      this.checkUnfinished,
      this.checkBans,
      this.checkCounts,
    ]) {
      // oxlint-disable-next-line no-await-in-loop
      await check.call(this).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the watchdog could not check everything');
  }

  private async checkDeliveries(): Promise<void> {
    const [backlog] = await this.database.call('delivery_backlog', { overdueAfter: '10 seconds' }, backlogRow);
    this.metrics.stuckDeliveries.set(backlog?.stuck ?? 0);
    this.metrics.overdueDeliveries.set(backlog?.overdue ?? 0);
    this.metrics.oldestDelivery.set(backlog?.oldest_seconds ?? 0);
  }

  /** Looks at the outcome: whether those whom IVS has disconnected stay away. */
  private async checkReturning(): Promise<void> {
    const args = { times: returningAfter, within: returningWithin };
    const returning = await this.database.value('returning_participants', args, returningRow);
    this.metrics.returningParticipants.set(returning);
  }

  private async checkLooks(): Promise<void> {
    const [looks] = await this.database.call('watch_backlog', {}, looksRow);
    this.metrics.oldestLook.set(looks?.oldest ?? 0);
    this.metrics.failingWatches.set(looks?.failing ?? 0);
  }

  private async checkAudit(): Promise<void> {
    const [unsealed] = await this.database.call('unsealed_audit', { most: mostUnsealedCounted }, unsealedRow);
    this.metrics.unsealedAudit.set(unsealed?.entries ?? 0);
    this.metrics.oldestUnsealedAudit.set(unsealed?.oldest_seconds ?? 0);
  }

  /** Looks at what goes on in steps until it is finished: it may fail, or wait for what never comes. */
  private async checkUnfinished(): Promise<void> {
    this.metrics.oldestUnfinishedAction.set(await this.database.value('oldest_unfinished_action', {}, z.number()));
    const [oldest] = await this.database.call('oldest_erasures', {}, unfinishedRow);
    this.metrics.oldestErasure.set(oldest?.erasure ?? 0);
    this.metrics.oldestTenantEnd.set(oldest?.tenant_end ?? 0);
  }

  /** Checks the counts of users that are due, and mends them, until its time is over. */
  private async checkCounts(): Promise<void> {
    const deadline = performance.now() + countCheckMs;
    let wrong: number | null;
    do {
      wrong = await this.database.value('check_count', { every: countCheckedEvery, limits }, wrongPlaces);
      if (wrong === null || wrong === 0) continue;
      this.metrics.wrongPlaces.inc(wrong);
      this.logger.error(
        { users: wrong },
        'users of a space with a capacity were counted wrongly; they are counted anew',
      );
    } while (wrong !== null && performance.now() < deadline);
  }

  private async checkWebhooks(): Promise<void> {
    const steady = limits.steadyFailures;
    const [backlog] = await this.database.call('webhook_backlog', { steady }, webhooksRow);
    this.metrics.openWebhookDeliveries.set(backlog?.open ?? 0);
    this.metrics.failingWebhooks.set(backlog?.failing ?? 0);
    this.metrics.oldestWebhook.set(backlog?.oldest_seconds ?? 0);
  }

  /** Checks bans until it has checked all of them, or until its time is over. */
  private async checkBans(): Promise<void> {
    const isLate = this.secondsSinceWholePass > longPassSeconds;
    const deadline = performance.now() + (isLate ? banCheckMs.late : banCheckMs.usual);
    let isWhole: boolean;
    do isWhole = await this.checkNextBans();
    while (!isWhole && performance.now() < deadline);
    this.metrics.undeliveredBans.set(Math.max(this.foundInThisPass, this.foundInLastPass));
  }

  /** Returns whether the pass over all bans is whole. */
  private async checkNextBans(): Promise<boolean> {
    const { tenantId, banId } = this.position;
    const [found] = await this.database
      .call('bans_without_hold', { afterTenant: tenantId, afterBan: banId, limit: this.bansAtOnce, limits }, passRow)
      .catch((error: unknown) => {
        // The time of the statement grows with the grants of the banned users. So fewer bans may be checked in time.
        if (error instanceof Problem && this.bansAtOnce > 1) this.bansAtOnce = Math.ceil(this.bansAtOnce / 4);
        throw error;
      });
    this.bansAtOnce = Math.min(mostBansAtOnce, this.bansAtOnce * 2);
    this.foundInThisPass += found?.grants ?? 0;
    if (found && found.grants > 0) {
      this.logger.error({ grants: found.grants }, 'banned users have grants that no action holds');
    }
    if (found && found.tenant_id !== null && found.ban_id !== null) {
      this.position = { tenantId: found.tenant_id, banId: found.ban_id };
      return false;
    }
    this.position = startOfBans;
    this.foundInLastPass = this.foundInThisPass;
    this.foundInThisPass = 0;
    this.passedAt = performance.now();
    return true;
  }
}
