import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { moderationRates } from '../ivs/call-rates.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';
import { Delivery } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';
import { exceedsAllowed } from './rights-in-use.ts';

/** Time between two looks at a stage if the rate allows it, in seconds. */
const lookIntervalSeconds = 2;

/** Largest number of users that a look asks IVS for by name. With more users it lists everybody who is connected. */
const maxByName = 3;

/** Largest number of looks of this replica at the same time. */
const maxLooks = 20;

/** A demoted participant. `since` is the time of the change of role, `allowed` the capabilities of the lesser token. */
const demotedParticipant = z.object({ participantId: z.string(), since: z.string(), allowed: z.array(z.string()) });
type DemotedParticipant = z.output<typeof demotedParticipant>;

/** A watch that this replica has leased for a look, as `lease_watches` returns it. */
const leasedWatch = z.object({
  tenant_id: z.string(),
  space_id: z.string(),
  stage_arn: z.string().nullable(),
  /** IVS user ids to ask IVS for; null: list everybody. */
  users: z.array(z.string()).nullable(),
  demoted: z.array(demotedParticipant),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
  looked_at: z.date(),
});
type LeasedWatch = z.output<typeof leasedWatch>;

/**
 * Looks at stages and disconnects the people who may not be there, until every token concerned has expired. IVS cannot
 * revoke an unused token, and the service gets no message when somebody joins with one.
 */
@Injectable()
export class StageWatch extends BackgroundWork {
  protected readonly everyMs = 250;
  private readonly logger = new Logger(StageWatch.name);
  private readonly looks = new Set<Promise<void>>();

  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
    private readonly delivery: Delivery,
  ) {
    super();
  }

  /** Starts the looks that are due. It does not wait for them, so a slow account does not delay the others. */
  async run(): Promise<void> {
    const free = maxLooks - this.looks.size;
    if (free <= 0) return;
    const watches = await this.database.call(
      'lease_watches',
      { limit: free, lease: '10 seconds', byName: maxByName, ...moderationRates.ListParticipants },
      leasedWatch,
    );
    for (const watch of watches) this.start(watch);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.looks);
  }

  private start(watch: LeasedWatch): void {
    const look: Promise<void> = this.look(watch)
      .then(async (found) => {
        if (found > 0) await this.delivery.run();
      })
      .catch((error: unknown) => {
        // The lease ends by itself. Then a replica looks again.
        this.logger.warn(
          { spaceId: watch.space_id, err: error },
          'the result of a look at a stage could not be recorded; the watch looks again',
        );
      })
      .finally(() => this.looks.delete(look));
    this.looks.add(look);
  }

  /** Looks once. Returns how many participants it found who may not be there. */
  private async look(watch: LeasedWatch): Promise<number> {
    const connected = await this.connected(watch).catch((error: unknown) => {
      if (!(error instanceof IvsFailure)) throw error;
      if (error.kind === 'not_found') return []; // nobody is on a stage that does not exist
      this.logger.warn(
        { spaceId: watch.space_id, err: error },
        'the participants of a stage could not be listed; the watch tries again',
      );
      return undefined;
    });
    if (!connected) return 0; // the next look is due when the lease ends
    return await this.database.value(
      'finish_watch',
      {
        tenant: watch.tenant_id,
        space: watch.space_id,
        lookedAt: watch.looked_at,
        connected: await this.describeConnected(watch, connected),
        nextSeconds: lookIntervalSeconds,
        limits,
      },
      z.int(),
    );
  }

  /**
   * The connected participants by id, as `finish_watch` takes them. `exceeds` is present for the demoted participants whose
   * events could be read: whether they have more rights than the demotion allows.
   */
  private async describeConnected(watch: LeasedWatch, connected: Participant[]): Promise<Record<string, object>> {
    const byId = new Map(connected.map((participant) => [participant.participantId, participant]));
    const demoted = watch.demoted.filter(({ participantId }) => byId.has(participantId));
    const lookups = demoted.length === 0 ? 0 : await this.reserveLookups(watch, demoted.length);
    const exceeding = await Promise.all(
      demoted
        .slice(0, lookups)
        .map(async (demotion) => [demotion.participantId, await this.exceedsAllowed(watch, demotion, byId)] as const),
    );
    const found = new Map(exceeding);
    return Object.fromEntries(
      connected.map(({ participantId, userId, published }) => [
        participantId,
        { userId, publishing: published, exceeds: found.get(participantId) },
      ]),
    );
  }

  private async reserveLookups(watch: LeasedWatch, count: number): Promise<number> {
    return await this.database.value(
      'reserve_event_lookups',
      { tenant: watch.tenant_id, wanted: count, ...moderationRates.ListParticipantEvents },
      z.int(),
    );
  }

  /** Returns undefined if the events of the participant cannot be read now. */
  private async exceedsAllowed(
    watch: LeasedWatch,
    { participantId, since, allowed }: DemotedParticipant,
    connected: ReadonlyMap<string, Participant>,
  ): Promise<boolean | undefined> {
    const sessionId = connected.get(participantId)?.sessionId;
    if (sessionId === undefined || watch.stage_arn === null) return undefined;
    try {
      const account = accountOf(watch);
      const events = await this.realTime.participantEvents(account, watch.stage_arn, sessionId, participantId);
      return exceedsAllowed(events, { since: new Date(since), allowed });
    } catch (error) {
      if (!(error instanceof IvsFailure)) throw error;
      this.logger.warn(
        { spaceId: watch.space_id, err: error },
        'the events of a participant could not be read; the watch tries again',
      );
      return undefined;
    }
  }

  private async connected(watch: LeasedWatch): Promise<Participant[]> {
    if (watch.stage_arn === null || watch.users?.length === 0) return [];
    return await this.realTime.connectedParticipants(accountOf(watch), watch.stage_arn, watch.users ?? undefined);
  }
}

function accountOf(watch: LeasedWatch): IvsAccount {
  return { region: watch.region, awsRoleArn: watch.aws_role_arn, awsExternalId: watch.aws_external_id };
}
