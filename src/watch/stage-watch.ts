import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';
import { Delivery } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';
import { exceedsAllowed } from './rights-in-use.ts';

/**
 * ListParticipants calls a second that all replicas together make in one account and Region, and as many
 * ListParticipantEvents calls. IVS allows five of each (AWS user guide, service quotas).
 */
const callsPerSecond = 4;

/** Seconds until the next look at a stage, if the rate allows it. */
const againSeconds = 2;

/** A look asks IVS for so many users by name at most. With more users it lists everybody who is connected. */
const maxByName = 3;

/** Looks of this replica at the same time. */
const maxLooks = 20;

/** A participant who was asked to exchange their token for a lesser one, with the capabilities of the lesser one. */
const demoted = z.object({ participantId: z.string(), since: z.string(), allowed: z.array(z.string()) });
type Demoted = z.output<typeof demoted>;

/** A stage that this replica has leased for a look (`lease_watches`). */
const leased = z.object({
  tenant_id: z.string(),
  space_id: z.string(),
  stage_arn: z.string().nullable(),
  /** People to ask IVS for by name; null lists everybody. */
  users: z.array(z.string()).nullable(),
  demoted: z.array(demoted),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
  looked_at: z.date(),
});
type Leased = z.output<typeof leased>;

/**
 * Looks at stages for people who should be gone, and disconnects them, until every token concerned has expired. IVS cannot
 * revoke an unused token, and does not tell when somebody comes in with one.
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

  /** Starts the looks that are due. It does not wait for them: a slow account must not hold up the others. */
  async run(): Promise<void> {
    const free = maxLooks - this.looks.size;
    if (free <= 0) return;
    const watches = await this.database.call(
      'lease_watches',
      { limit: free, lease: '10 seconds', byName: maxByName, rate: callsPerSecond, burst: callsPerSecond },
      leased,
    );
    for (const watch of watches) this.start(watch);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.looks);
  }

  private start(watch: Leased): void {
    const look: Promise<void> = this.look(watch)
      .then(async (found) => {
        if (found > 0) await this.delivery.run();
      })
      .catch((error: unknown) => {
        // The lease runs out, and a replica looks again.
        this.logger.warn(
          { spaceId: watch.space_id, err: error },
          'what a look at a stage has shown could not be recorded',
        );
      })
      .finally(() => this.looks.delete(look));
    this.looks.add(look);
  }

  /** One look. Returns how many participants it found who should be gone. */
  private async look(watch: Leased): Promise<number> {
    const connected = await this.connected(watch).catch((error: unknown) => {
      if (!(error instanceof IvsFailure)) throw error;
      if (error.kind === 'not_found') return []; // no stage, nobody on it
      this.logger.warn({ spaceId: watch.space_id, err: error }, 'a stage could not be looked at; it will be again');
      return undefined;
    });
    if (!connected) return 0; // the next look comes when the lease runs out
    return await this.database.value(
      'finish_watch',
      {
        tenant: watch.tenant_id,
        space: watch.space_id,
        lookedAt: watch.looked_at,
        connected: await this.seen(watch, connected),
        nextSeconds: againSeconds,
        limits,
      },
      z.int(),
    );
  }

  /** What the look has shown, as `finish_watch` takes it: of the demoted also whether they have more than they may. */
  private async seen(watch: Leased, connected: Participant[]): Promise<Record<string, object>> {
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

  private async reserveLookups(watch: Leased, wanted: number): Promise<number> {
    return await this.database.value(
      'reserve_event_lookups',
      { tenant: watch.tenant_id, wanted, rate: callsPerSecond, burst: callsPerSecond },
      z.int(),
    );
  }

  /** Undefined if IVS does not tell now. */
  private async exceedsAllowed(
    watch: Leased,
    { participantId, since, allowed }: Demoted,
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
        'a participant could not be looked at; it will be again',
      );
      return undefined;
    }
  }

  private async connected(watch: Leased): Promise<Participant[]> {
    if (watch.stage_arn === null || watch.users?.length === 0) return [];
    return await this.realTime.connectedParticipants(accountOf(watch), watch.stage_arn, watch.users ?? undefined);
  }
}

function accountOf(watch: Leased): IvsAccount {
  return { region: watch.region, awsRoleArn: watch.aws_role_arn, awsExternalId: watch.aws_external_id };
}
