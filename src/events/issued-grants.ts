import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';
import { onlyIfAsked } from './event-types.ts';

/** A tenant that asks again and again is noted once in this time, in milliseconds. */
const notedAgainMs = 3_600_000;

/** Notes which tenants read grant.issued, so that it is recorded for them and for nobody else. */
@Injectable()
export class IssuedGrants {
  private readonly noted = new LRUCache<string, true>({ max: 10_000, ttl: notedAgainMs });

  constructor(private readonly database: Database) {}

  /** Notes that a tenant reads events of these types. Without grant.issued among them it does nothing. */
  async askFor(tenantId: string, types: readonly string[] | undefined): Promise<void> {
    if (!types?.includes(onlyIfAsked) || this.noted.has(tenantId)) return;
    const isNoted = await this.database.value('ask_for_issued_grants', { tenant: tenantId, limits }, z.boolean());
    if (isNoted) this.noted.set(tenantId, true);
  }
}
