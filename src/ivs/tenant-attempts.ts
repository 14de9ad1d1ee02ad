import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { Problem, rateLimited } from '../errors.ts';
import { failedAttempts } from './call-rates.ts';

/** Problems that are no fault of the tenant. Such an attempt does not count as failed. */
const notTheirs = new Set<string>(['rate_limited', 'ivs_unavailable', 'unavailable', 'internal']);

/**
 * Limits the failures of requests that need calls to IVS, such as to adopt a stage that does not exist. Each costs calls
 * that the tenants of an account share. A tenant whose requests keep failing slows only itself.
 */
@Injectable()
export class TenantAttempts {
  constructor(private readonly database: Database) {}

  /**
   * Makes an attempt. One that succeeds costs nothing.
   * @throws Problem `rate_limited` without the attempt, if too many have failed or are under way.
   */
  async limit<Result>(tenantId: string, attempt: () => Promise<Result>): Promise<Result> {
    const { rate, burst } = failedAttempts;
    if (!(await this.database.value('reserve_attempt', { tenant: tenantId, rate, burst }, z.boolean()))) {
      throw rateLimited('Too many requests of the tenant have failed. Correct the request before you send it again.', {
        policy: 'failures',
        quota: burst,
        windowSeconds: burst / rate,
        retryAfterSeconds: 1 / rate,
      });
    }
    try {
      const result = await attempt();
      this.giveBack(tenantId);
      return result;
    } catch (error) {
      if (!(error instanceof Problem) || notTheirs.has(error.code)) this.giveBack(tenantId);
      throw error;
    }
  }

  /** The answer does not wait for this. If it fails, the attempt counts as failed, which a few seconds make up for. */
  private giveBack(tenantId: string): void {
    void this.database.run('return_attempt', { tenant: tenantId }).catch(() => undefined);
  }
}
