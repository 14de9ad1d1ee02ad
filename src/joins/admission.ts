import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { callerRef, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { noteCommit } from '../database/commits.ts';
import { isRefusedByPostgres } from '../database/database-errors.ts';
import { Database } from '../database/database.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type Admission, admission, admitRefusal } from './admission-answers.ts';
import { type AdmissionRequest, type Asked, decidedOn, groupRequest } from './admission-request.ts';
import { answersOf, type MemberAnswer } from './group-answer.ts';
import { type Group, Groups } from './groups.ts';
import { OutrankedBans } from './outranked-bans.ts';
import { refusalProblem } from './refusal-problem.ts';

/** The answer of `admit`, before it is known which of the two it is. A union would try both schemas for each vend. */
const answer = z.custom<object>((value) => typeof value === 'object' && value !== null);

/** What `admit_groups` returns: an answer for each tenant, or null if Postgres refused its vends. */
const groupAnswers = z.array(answer.nullable());

/** What a call decided, and the time before its checks, in milliseconds of `performance.now()`. */
interface Decided {
  answer: MemberAnswer;
  checkedAt: number;
}

/** Shortest time between two tries of a vend that waits, in milliseconds. */
const retryMs = 100;

/**
 * Decides who gets tokens. The SQL function `admit` decides, under locks that a ban takes too. While vends are at the
 * database, others gather, and `admit_groups` decides on them in one call. It knows plain cases alone: everybody else
 * leaves the group, and `admit` decides.
 */
@Injectable()
export class AdmissionService {
  private readonly groups = new Groups<Asked, Decided>((groups) => this.admitGroups(groups));

  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
    private readonly outrankedBans: OutrankedBans,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Runs every admission check and records the grants, in one round trip. It ends bans that the user outranks first. It
   * waits for calls that disconnect the user from the room, two seconds at most. If a user of the tenant may have one live
   * token, `admit` revokes the older ones.
   * @returns the admission, and the time before its check, in milliseconds of `performance.now()`.
   * @throws Problem that gives the reason of the refusal.
   */
  async admit(caller: TenantCaller, request: AdmissionRequest): Promise<{ admission: Admission; checkedAt: number }> {
    const deadline = performance.now() + limits.disconnectWaitSeconds * 1_000;
    const asked = { ...request, caller, requestId: currentRequest()?.requestId ?? 'background' };
    const alone = () => this.admitAlone(asked);
    let decided = await this.groups.run(caller.tenantId, asked, alone);
    for (;;) {
      const { answer, checkedAt } = decided;
      if ('admission' in answer) {
        noteCommit();
        return { admission: answer.admission, checkedAt };
      }
      const { refused } = answer;
      if (refused.refused === 'outranks') {
        await this.outrankedBans.end(caller, { banId: refused.ban, userId: request.userId, rank: refused.rank });
      } else {
        const waitMs = refused.refused === 'disconnecting' ? Math.max(refused.seconds * 1000, retryMs) : Infinity;
        if (performance.now() + waitMs > deadline) throw refusalProblem(refused, this.settings.vendsPerUserPerMinute);
        await sleep(waitMs);
      }
      decided = await alone();
    }
  }

  private async admitAlone({ caller, requestId, ...request }: Asked): Promise<Decided> {
    const checkedAt = performance.now();
    const decided = await this.database.value(
      'admit',
      {
        ...decidedOn(caller, request),
        caller: callerRef(caller),
        stageGrant: request.stageGrantId,
        chatGrant: request.chatGrantId,
        participant: request.participantId,
        staying: request.stayingId,
        auditEntry: newId('aud'),
        outrankedEntry: newId('aud'),
        auditAction: request.action,
        request: requestId,
        vendsPerMinute: this.settings.vendsPerUserPerMinute,
        limits,
        olderAction: newId('act'),
        olderEntry: newId('aud'),
        repeats: request.repeats,
      },
      answer,
    );
    const isRefused = 'refused' in decided;
    return {
      answer: isRefused ? { refused: admitRefusal.parse(decided) } : { admission: admission.parse(decided) },
      checkedAt,
    };
  }

  private async admitGroups(groups: Group<Asked>[]): Promise<({ result: Decided } | undefined)[][]> {
    const checkedAt = performance.now();
    const { vendsPerUserPerMinute: vendsPerMinute } = this.settings;
    const asked = groups.map(({ tenantId, items }) => ({ tenant: tenantId, requests: items.map(groupRequest) }));
    const size = groups.reduce((sum, { items }) => sum + items.length, 0);
    this.metrics.vendGroups.observe({ step: 'admit' }, size);
    this.metrics.vendGroupTenants.observe({ step: 'admit' }, groups.length);
    try {
      const values = await this.database.value(
        'admit_groups',
        { groups: JSON.stringify(asked), vendsPerMinute, limits },
        groupAnswers,
      );
      return groups.map(({ items }, at) => {
        const { answers, left } = answersOf(values[at] ?? null, items.length);
        for (const reason of left) this.metrics.vendsLeft.inc({ step: 'admit', reason });
        return answers.map((one) => one && { result: { answer: one, checkedAt } });
      });
    } catch (error) {
      // The statement changed nothing. Each is decided alone.
      if (!isRefusedByPostgres(error)) throw error;
      this.metrics.vendsLeft.inc({ step: 'admit', reason: 'failed' }, size);
      return [];
    }
  }
}
