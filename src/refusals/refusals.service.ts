import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase } from '../database/database.ts';
import type { ProblemCode } from '../errors.ts';
import { limits } from '../limits.ts';
import type { RefusalCountsAnswer, RefusalsQuery } from './refusals.schemas.ts';

const hourMs = 3_600_000;

/** How many requests for tokens were refused. */
@Injectable()
export class RefusalsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly clock: DatabaseClock,
  ) {}

  /** The counts of a tenant, the oldest first. There is one at most for each hour that is kept and each reason. */
  async list(caller: TenantCaller, { since }: RefusalsQuery): Promise<RefusalCountsAnswer> {
    const now = this.clock.now().getTime();
    const from = Math.max(
      since === undefined ? now - 24 * hourMs : Date.parse(since),
      now - limits.refusalDays * 24 * hourMs,
    );
    const { tenantId } = caller;
    const rows = await this.database.inTenantOf(caller, (tx) =>
      tx.refusal.findMany({
        where: { tenantId, hour: { gt: new Date(from - hourMs) } },
        orderBy: [{ hour: 'asc' }, { reason: 'asc' }],
      }),
    );
    return {
      data: rows.map(({ hour, reason, requests }) => ({
        hour: hour.toISOString(),
        reason: reason as ProblemCode,
        requests: Number(requests),
      })),
    };
  }
}
