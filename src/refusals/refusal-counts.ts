import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import type { ProblemCode } from '../errors.ts';
import { limits } from '../limits.ts';

/** Largest number of tenants and reasons together that a replica counts between two notes. */
const mostCounted = 20_000;

/** Old rows are deleted with each such note. */
const notesBetweenSweeps = 60;

interface Count {
  tenant: string;
  reason: ProblemCode;
  requests: number;
}

/**
 * Counts refused requests for tokens, so that a refusal writes nothing. Each replica counts in memory and notes the counts in
 * Postgres every five seconds, and when it stops. If it dies, those of the last five seconds are lost.
 */
@Injectable()
export class RefusalCounts extends BackgroundWork {
  protected readonly everyMs = 5_000;
  private counts = new Map<string, Count>();
  private notes = 0;

  constructor(private readonly database: Database) {
    super();
  }

  /** Counts requests that were refused. */
  count(tenant: string, reason: ProblemCode, requests = 1): void {
    const key = `${tenant} ${reason}`;
    const known = this.counts.get(key);
    if (known) known.requests += requests;
    else if (this.counts.size < mostCounted) this.counts.set(key, { tenant, reason, requests });
  }

  /** Notes what was counted since the last time. What cannot be noted is counted with what follows. */
  async run(): Promise<void> {
    const counted = [...this.counts.values()];
    this.counts = new Map();
    if (counted.length > 0) {
      try {
        await this.database.run('note_refusals', {
          tenants: counted.map(({ tenant }) => tenant),
          reasons: counted.map(({ reason }) => reason),
          requests: counted.map(({ requests }) => requests),
        });
      } catch (error) {
        for (const { tenant, reason, requests } of counted) this.count(tenant, reason, requests);
        throw error;
      }
    }
    if (this.notes++ % notesBetweenSweeps === 0) await this.dropOld();
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    if (this.counts.size > 0) await this.runOnce();
  }

  private async dropOld(): Promise<void> {
    let dropped: number;
    do dropped = await this.database.value('drop_old_refusals', { limits }, z.coerce.number());
    while (dropped === limits.sweptAtOnce);
  }
}
