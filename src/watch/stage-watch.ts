import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { SteppedWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { moderationRates } from '../ivs/call-rates.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import type { IvsFailure } from '../ivs/ivs-errors.ts';
import type { Participant } from '../ivs/participant-lists.ts';
import { Delivery } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';
import { accountInRow } from '../tenants/tenant-account.ts';
import { demotedParticipant, Demotions } from './demotions.ts';
import { type LookStep, StageLooks } from './stage-looks.ts';
import { mostByName, sweep } from './sweep.ts';

/** Largest number of ListParticipants calls in one step of a look. */
const callsAtOnce = 3;

/** Length of a lease, in seconds. It is longer than any step takes. */
export const leaseSeconds = 15;

/** Largest number of steps of this replica at the same time. */
const maxSteps = 20;

/**
 * A look that fails for this time counts as failing, in seconds, if IVS throttles it or does not answer. One that IVS refuses
 * counts at once.
 */
const failsAfterSeconds = 10;

/** A watch that this replica has leased for a step of a look, as `lease_watches` returns it. */
const leasedWatch = z.object({
  tenant_id: z.string(),
  space_id: z.string(),
  stage_arn: z.string().nullable(),
  users: z.array(z.string()),
  sweep: sweep.nullable(),
  pages: z.int().nullable(),
  calls: z.int(),
  demoted: z.array(demotedParticipant),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
  looked_at: z.date(),
});
type LeasedWatch = z.output<typeof leasedWatch>;

/**
 * Looks at stages and disconnects the people who may not be there, until every token concerned has expired. IVS cannot
 * revoke an unused token, and the service gets no message when somebody joins with one. A look takes as many steps as the
 * rates of IVS need. What a step has found is on record before the next one, which any replica takes.
 */
@Injectable()
export class StageWatch extends SteppedWork {
  protected readonly everyMs = 250;
  private readonly logger = new Logger(StageWatch.name);

  constructor(
    private readonly database: ModerationDatabase,
    private readonly looks: StageLooks,
    private readonly demotions: Demotions,
    private readonly delivery: Delivery,
  ) {
    super();
  }

  /** Starts the steps that are due. */
  async run(): Promise<void> {
    const free = maxSteps - this.stepsNow;
    if (free <= 0) return;
    const watches = await this.database.call(
      'lease_watches',
      {
        limit: free,
        lease: `${leaseSeconds} seconds`,
        byName: mostByName,
        calls: callsAtOnce,
        ...moderationRates.ListParticipants,
      },
      leasedWatch,
    );
    for (const watch of watches) this.start(watch);
  }

  private start(watch: LeasedWatch): void {
    const step = this.take(watch)
      .then(async (found) => {
        if (found > 0) await this.delivery.run();
      })
      .catch((error: unknown) => {
        // The lease ends by itself. Then a replica takes the step again.
        const text = 'the result of a look at a stage could not be recorded; the watch looks again';
        this.partFailed(error, text, { spaceId: watch.space_id });
      });
    this.hold(step);
  }

  /** Takes one step of a look. Returns how many participants it found who may not be there. */
  private async take(watch: LeasedWatch): Promise<number> {
    const account = accountInRow(watch);
    const step = await this.looks.step({
      account,
      stageArn: watch.stage_arn,
      users: watch.users,
      pages: watch.pages,
      sweep: watch.sweep,
      calls: watch.calls,
      now: watch.looked_at,
    });
    const judged = await this.judge(watch, account, step);
    const failure = step.failure ?? judged.failure;
    if (failure) {
      this.logger.warn(
        { spaceId: watch.space_id, err: failure },
        'a look at a stage could not be finished; the watch goes on with it',
      );
    }
    return await this.database.value(
      'finish_watch',
      {
        tenant: watch.tenant_id,
        space: watch.space_id,
        lookedAt: watch.looked_at,
        connected: describe(step.connected, judged.exceeding),
        step: {
          since: step.since,
          sweep: step.sweep,
          pages: step.pages,
          nextIn: step.nextIn,
          unspent: watch.calls - step.spent,
          ...(failure && describeFailure(failure)),
        },
        burst: moderationRates.ListParticipants.burst,
        limits,
      },
      z.int(),
    );
  }

  /** Judges the demoted participants that this look has found. */
  private async judge(watch: LeasedWatch, account: IvsAccount, { connected }: LookStep) {
    const { stage_arn: stageArn, sweep: goesOn } = watch;
    const demoted = watch.demoted.flatMap((one) => {
      const wasFound = goesOn !== null && one.seenAt !== null && Date.parse(one.seenAt) >= Date.parse(goesOn.since);
      const sessionId = connected.get(one.participantId)?.sessionId ?? (wasFound ? goesOn.sessionId : undefined);
      return sessionId === undefined ? [] : [{ ...one, sessionId }];
    });
    return await this.demotions.judge(watch.tenant_id, account, stageArn ?? '', demoted);
  }
}

/**
 * The connected participants by id, as `finish_watch` takes them. `exceeds` is present for the demoted participants whose
 * events were read: whether they have more rights than the demotion allows.
 */
function describe(connected: LookStep['connected'], exceeding: ReadonlyMap<string, boolean>): Record<string, object> {
  const found = [...connected.values()].map(({ participantId, userId, published }: Participant) => [
    participantId,
    { userId, publishing: published, exceeds: exceeding.get(participantId) },
  ]);
  const earlier = [...exceeding].filter(([id]) => !connected.has(id)).map(([id, exceeds]) => [id, { exceeds }]);
  return Object.fromEntries([...earlier, ...found]) as Record<string, object>;
}

function describeFailure(failure: IvsFailure): { error: string; failsIn: number } {
  return {
    error: `${failure.operation}: ${failure.awsName}: ${failure.awsMessage}`.slice(0, 500),
    failsIn: failure.isTransient ? failsAfterSeconds : 0,
  };
}
