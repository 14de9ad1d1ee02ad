import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ModerationDatabase } from '../database/database.ts';
import { moderationRates } from '../ivs/call-rates.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type ParticipantEvent } from '../ivs/ivs-real-time.ts';
import { exceedsAllowed } from './rights-in-use.ts';

/** Longest time in which the events of participants are read, in milliseconds. It ends before the lease of the step. */
const readMs = 6_000;

/** Time between two tries to reserve the call for a further page of events, in milliseconds. */
const reserveAgainMs = 250;

/**
 * A demoted participant. `since` is the time of the change of role, `allowed` the capabilities of the lesser token, `seenAt`
 * the time of the last step of a look that found them.
 */
export const demotedParticipant = z.object({
  participantId: z.string(),
  since: z.string(),
  allowed: z.array(z.string()),
  seenAt: z.string().nullable(),
});
export type DemotedParticipant = z.output<typeof demotedParticipant> & { sessionId: string };

/** Judges demoted participants by their events. Every page of events is reserved from the shared rate. */
@Injectable()
export class Demotions {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
  ) {}

  /**
   * Says who of these has more rights than the demotion allows. Those whose turn does not come are left out, and those whose
   * events could not be read. `failure` is why.
   */
  async judge(
    tenantId: string,
    account: IvsAccount,
    stageArn: string,
    demoted: readonly DemotedParticipant[],
  ): Promise<{ exceeding: Map<string, boolean>; failure?: IvsFailure | undefined }> {
    const exceeding = new Map<string, boolean>();
    if (demoted.length === 0) return { exceeding };
    const deadline = performance.now() + readMs;
    const turns = await this.reserve(tenantId, demoted.length);
    let failure: IvsFailure | undefined;
    const judgeOne = async ({ participantId, sessionId, since, allowed }: DemotedParticipant) => {
      try {
        const events = await this.read(tenantId, account, { stageArn, sessionId, participantId }, deadline);
        exceeding.set(participantId, exceedsAllowed(events, { since: new Date(since), allowed }));
      } catch (error) {
        if (!(error instanceof IvsFailure)) throw error;
        failure = error;
      }
    };
    await Promise.all(demoted.slice(0, turns).map(judgeOne));
    return { exceeding, failure };
  }

  /** All events of a participant. The first page is reserved already. @throws {IvsFailure} */
  private async read(
    tenantId: string,
    account: IvsAccount,
    { stageArn, sessionId, participantId }: { stageArn: string; sessionId: string; participantId: string },
    deadline: number,
  ): Promise<ParticipantEvent[]> {
    const all: ParticipantEvent[] = [];
    let nextToken: string | undefined;
    do {
      if (nextToken !== undefined) await this.reserveOne(tenantId, deadline);
      const page = await this.realTime.participantEventsPage(account, stageArn, sessionId, participantId, nextToken);
      all.push(...page.events);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return all;
  }

  /** Waits until the rate allows one more call. @throws {IvsFailure} `throttled` at the deadline. */
  private async reserveOne(tenantId: string, deadline: number): Promise<void> {
    while ((await this.reserve(tenantId, 1)) === 0) {
      if (performance.now() > deadline) {
        throw new IvsFailure('throttled', 'ListParticipantEvents', 'NoCallsLeft', 'a participant has too many events');
      }
      await sleep(reserveAgainMs);
    }
  }

  private async reserve(tenantId: string, wanted: number): Promise<number> {
    return await this.database.value(
      'reserve_event_lookups',
      { tenant: tenantId, wanted, ...moderationRates.ListParticipantEvents },
      z.int(),
    );
  }
}
