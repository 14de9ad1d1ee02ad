import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Largest number of tenants, accounts and operations together that a replica counts between two notes. */
const mostCounted = 20_000;

/** Old rows are deleted with each such note. */
const notesBetweenSweeps = 60;

/** A row of `ivs_call_uses`: about so many calls in the last minute. */
const use = z.object({ tenant: z.string(), account: z.string(), operation: z.string(), calls: z.number() });
export type CallUse = z.output<typeof use>;

interface Count {
  tenant: string;
  account: string;
  operation: string;
  calls: number;
}

/**
 * Counts who uses the rates of IVS. Each replica counts in memory and notes it in Postgres every five seconds. What it could not
 * note is lost: it matters for a minute.
 */
@Injectable()
export class CallUses extends BackgroundWork {
  protected readonly everyMs = 5_000;
  private counts = new Map<string, Count>();
  private notes = 0;

  constructor(private readonly database: Database) {
    super();
  }

  /** Counts a call. @param account as `accountKey` names it. */
  count(tenant: string, account: string, operation: string): void {
    const key = `${tenant} ${operation} ${account}`;
    const known = this.counts.get(key);
    if (known) known.calls++;
    else if (this.counts.size < mostCounted) this.counts.set(key, { tenant, account, operation, calls: 1 });
  }

  /** Notes what was counted since the last time. */
  async run(): Promise<void> {
    const counted = [...this.counts.values()];
    this.counts = new Map();
    if (counted.length > 0) {
      await this.database.run('note_ivs_calls', {
        tenants: counted.map(({ tenant }) => tenant),
        accounts: counted.map(({ account }) => account),
        operations: counted.map(({ operation }) => operation),
        calls: counted.map(({ calls }) => calls),
      });
    }
    if (this.notes++ % notesBetweenSweeps === 0) await this.sweep();
  }

  /** Who has made calls in the last minute. @param account null: all accounts. */
  async recent(account: string | null): Promise<CallUse[]> {
    return await this.database.call('ivs_call_uses', { account }, use);
  }

  private async sweep(): Promise<void> {
    let swept: number;
    do swept = await this.database.value('sweep_ivs_calls', { limits }, z.coerce.number());
    while (swept === limits.sweptAtOnce);
  }
}
