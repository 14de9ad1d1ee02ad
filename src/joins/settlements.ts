import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { isRefusedByPostgres } from '../database/database-errors.ts';
import { Database } from '../database/database.ts';
import { limits } from '../limits.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { refusal, type Refusal } from './admission-answers.ts';
import { type AdmissionRequest, decidedOn, standingRequest } from './admission-request.ts';
import { type Group, Groups } from './groups.ts';
import { refusalProblem } from './refusal-problem.ts';

/** What `settle` records of a token that was made. Times are ISO 8601. */
export interface MintedToken {
  /** Id of the grant. */
  id: string;
  mint?: 'ivs' | 'key-pair';
  participantId?: string;
  signingKeyId?: string;
  expiresAt: string;
  sessionExpiresAt: string;
}

/** Longest time from the last check of a token until it leaves, in milliseconds. The answer to a ban waits as long. */
export const releaseWindowMs = limits.releaseWindowSeconds * 1_000;

/** A vend as it waits for its group. */
interface Ending extends AdmissionRequest {
  caller: TenantCaller;
  made: MintedToken[];
}

/** What a call decided, and the time before its checks, in milliseconds of `performance.now()`. */
interface Settled {
  refused: Refusal | null;
  checkedAt: number;
}

/** What `settle_group` returns: the places of the vends that it has settled, and those that leave, with the reason. */
const groupAnswer = z.object({ settled: z.array(z.int()), left: z.array(z.tuple([z.int(), z.string()])) });

/** What `settle_groups` returns: an answer for each tenant, or null if Postgres refused its vends. */
const groupAnswers = z.array(groupAnswer.nullable());

/** Ends vends that IVS had a part in. The SQL function `settle` decides, or `settle_groups` on several that come together. */
@Injectable()
export class Settlements {
  private readonly groups = new Groups<Ending, Settled>((groups) => this.settleGroups(groups));

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Records the tokens that were made, and checks once more that they may leave.
   * @param failed ids of the grants whose tokens were not made.
   * @returns the time before the check, in milliseconds of `performance.now()`.
   * @throws Problem if a check of `admit` fails now, or if the vend took too long. Then no token leaves.
   */
  async settle(
    caller: TenantCaller,
    request: AdmissionRequest,
    made: MintedToken[],
    failed: string[],
  ): Promise<number> {
    const alone = () => this.settleAlone(caller, request, made, failed);
    const { refused, checkedAt } =
      failed.length > 0 ? await alone() : await this.groups.run(caller.tenantId, { ...request, caller, made }, alone);
    if (refused) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
    return checkedAt;
  }

  private async settleAlone(
    caller: TenantCaller,
    request: AdmissionRequest,
    made: MintedToken[],
    failed: string[],
  ): Promise<Settled> {
    const checkedAt = performance.now();
    const refused = await this.database.value(
      'settle',
      {
        ...decidedOn(caller, request),
        grants: [request.stageGrantId, request.chatGrantId].filter((id) => id !== null),
        made: JSON.stringify(made),
        failed,
        limits,
      },
      refusal.nullable(),
    );
    return { refused, checkedAt };
  }

  private async settleGroups(groups: Group<Ending>[]): Promise<({ result: Settled } | undefined)[][]> {
    const checkedAt = performance.now();
    const asked = groups.map(({ tenantId, items }) => ({
      tenant: tenantId,
      requests: items.map((one, nth) => ({ ...standingRequest(one, nth), made: one.made })),
    }));
    const size = groups.reduce((sum, { items }) => sum + items.length, 0);
    this.metrics.vendGroups.observe({ step: 'settle' }, size);
    this.metrics.vendGroupTenants.observe({ step: 'settle' }, groups.length);
    const left = (reason: string, count = 1) => this.metrics.vendsLeft.inc({ step: 'settle', reason }, count);
    try {
      const answers = await this.database.value('settle_groups', { groups: JSON.stringify(asked) }, groupAnswers);
      return groups.map(({ items }, at) => {
        const results = Array.from<{ result: Settled } | undefined>({ length: items.length });
        const answer = answers[at];
        if (!answer) {
          left('failed', items.length);
          return results;
        }
        for (const [, reason] of answer.left) left(reason);
        left('lock', items.length - answer.settled.length - answer.left.length);
        for (const nth of answer.settled) results[nth] = { result: { refused: null, checkedAt } };
        return results;
      });
    } catch (error) {
      // The statement changed nothing. Each is ended alone.
      if (!isRefusedByPostgres(error)) throw error;
      left('failed', size);
      return [];
    }
  }
}
