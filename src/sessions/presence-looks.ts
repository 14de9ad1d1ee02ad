import { Injectable } from '@nestjs/common';
import { SteppedWork } from '../background.ts';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { ExpectedParticipants } from '../grants/expected-participants.ts';
import type { IvsFailure } from '../ivs/ivs-errors.ts';
import { limits } from '../limits.ts';
import { leasedLook, type LeasedLook } from './leased-look.ts';
import { PresenceSteps } from './presence-steps.ts';

/** Length of a lease, in seconds. It is longer than any step takes. */
const leaseSeconds = 20;

/** Largest number of steps of this replica at the same time. */
const maxSteps = 10;

/** While nobody is on a stage, but may come, looks become as rare as this, in seconds, or as the setting says if that is more. */
const rarelySeconds = 60;

/** Time until a look goes on, in seconds: after its rate was used up, and after IVS has refused it. */
const nextInSeconds = { soon: 1, refused: 60 };

/**
 * Looks at who is on the stages where somebody is or may come, and notes who has joined and left. IVS tells of neither
 * unless they publish, and what it tells can be lost. The looks are made with what the rates of IVS leave.
 */
@Injectable()
export class PresenceLooks extends SteppedWork {
  protected readonly everyMs = 1_000;

  constructor(
    private readonly database: Database,
    private readonly expected: ExpectedParticipants,
    private readonly presence: PresenceSteps,
    private readonly settings: Settings,
  ) {
    super();
  }

  /** Notes the stages whose tokens were handed out, and starts the steps that are due. */
  async run(): Promise<void> {
    const stages = this.expected.take();
    if (this.settings.presenceLookSeconds === 0) return;
    if (stages.length > 0) {
      await this.database.run('expect_participants', {
        tenants: stages.map(({ tenantId }) => tenantId),
        spaces: stages.map(({ spaceId }) => spaceId),
        until: stages.map(({ until }) => until),
        limits,
      });
    }
    const free = maxSteps - this.stepsNow;
    if (free <= 0) return;
    const looks = await this.database.call(
      'lease_stage_looks',
      { limit: free, lease: `${leaseSeconds} seconds` },
      leasedLook,
    );
    for (const look of looks) this.start(look);
  }

  private start(leased: LeasedLook): void {
    const step = this.take(leased)
      .catch((error: unknown) => {
        // The lease ends by itself. Then a replica takes the step again.
        const text = 'What a look at a stage has found could not be noted.';
        this.partFailed(error, text, { spaceId: leased.space_id });
      })
      .finally(eventsWereWritten);
    this.hold(step);
  }

  private async take(leased: LeasedLook): Promise<void> {
    const step = await this.presence.step(leased);
    const { look, failure } = step;
    const every = this.settings.presenceLookSeconds;
    const goesOn = look.listings.length > 0;
    await this.database.run('finish_stage_look', {
      tenant: leased.tenant_id,
      space: leased.space_id,
      since: look.since,
      active: look.active,
      isWhole: !goesOn && !failure,
      look: goesOn && step.hasBegun ? look : null,
      error: failure ? describe(failure) : null,
      nextIn: `${failure && !failure.isTransient ? nextInSeconds.refused : nextInSeconds.soon} seconds`,
      every: `${every} seconds`,
      rarely: `${Math.max(every, rarelySeconds)} seconds`,
      limits,
    });
  }
}

function describe({ operation, awsName, awsMessage }: IvsFailure): string {
  return `${operation}: ${awsName}: ${awsMessage}`.slice(0, 500);
}
