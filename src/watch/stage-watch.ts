import { Injectable, Logger } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';
import { Delivery } from '../delivery/delivery.ts';
import { exceedsAllowed } from './rights-in-use.ts';

/**
 * ListParticipants a second in one account and Region, of all replicas together, and as many ListParticipantEvents: IVS
 * allows five of each.
 */
const callsPerSecond = 4;

/** How soon a stage is looked at again, while the rate allows. */
const againSeconds = 2;

/** Up to so many users are asked for by name; for more, everybody who is connected is listed. */
const maxByName = 3;

/** Looks at once; each takes a second or two at most. */
const maxLooks = 20;

/** A participant who was to exchange his token for a lesser one. */
interface Demoted {
  participantId: string;
  since: string;
  /** Capabilities of the lesser one. */
  allowed: string[];
}

interface Claimed {
  tenant_id: string;
  space_id: string;
  stage_arn: string | null;
  /** Who to ask for by name; null: everybody is listed. */
  users: string[] | null;
  demoted: Demoted[];
  region: string;
  aws_role_arn: string | null;
  aws_external_id: string | null;
  looked_at: Date;
}

/**
 * Looks at stages for people who should be gone: IVS cannot revoke a token that was not used, nor say that somebody came
 * in with one. Whoever is found is disconnected, until every token concerned has expired.
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

  /** Starts the looks that are due, without waiting for them: a slow account must not hold up the others. */
  async run(): Promise<void> {
    const free = maxLooks - this.looks.size;
    if (free <= 0) return;
    const claimed = await this.database.call<Claimed>(
      'claim-watches',
      "select * from claim_watches($1, '10 seconds'::interval, $2, $3, $4)",
      [free, maxByName, callsPerSecond, callsPerSecond],
    );
    for (const watch of claimed) this.start(watch);
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.looks);
  }

  private start(watch: Claimed): void {
    const look: Promise<void> = this.look(watch)
      .then(async (found) => {
        if (found > 0) await this.delivery.run();
      })
      .catch((error: unknown) => {
        // The lease runs out and somebody looks again.
        this.logger.warn({ spaceId: watch.space_id, err: error }, 'a look at a stage could not be taken in');
      })
      .finally(() => this.looks.delete(look));
    this.looks.add(look);
  }

  /** How many were found who should be gone. */
  private async look(watch: Claimed): Promise<number> {
    const connected = await this.connected(watch).catch((error: unknown) => {
      if (!(error instanceof IvsFailure)) throw error;
      if (error.kind === 'not_found') return []; // no stage, nobody on it
      this.logger.warn({ spaceId: watch.space_id, err: error }, 'a stage could not be looked at; it will be again');
      return undefined;
    });
    if (!connected) return 0; // the lease runs out, and with it comes the next look
    const [row] = await this.database.call<{ found: number }>(
      'finish-watch',
      'select finish_watch($1, $2, $3, $4, $5) as found',
      [
        watch.tenant_id,
        watch.space_id,
        watch.looked_at,
        JSON.stringify(await this.seen(watch, connected)),
        againSeconds,
      ],
    );
    return row?.found ?? 0;
  }

  /** What the database is to know of those who are connected; of the demoted also whether they have more than they may. */
  private async seen(watch: Claimed, connected: Participant[]): Promise<Record<string, object>> {
    const byId = new Map(connected.map((participant) => [participant.participantId, participant]));
    const demoted = watch.demoted.filter(({ participantId }) => byId.has(participantId));
    const turns = demoted.length === 0 ? 0 : await this.allowedLookups(watch, demoted.length);
    const beyond = await Promise.all(
      demoted
        .slice(0, turns)
        .map(async (demotion) => [demotion.participantId, await this.exceedsAllowed(watch, demotion, byId)] as const),
    );
    const found = new Map(beyond);
    return Object.fromEntries(
      connected.map(({ participantId, userId, published }) => [
        participantId,
        { userId, publishing: published, beyond: found.get(participantId) },
      ]),
    );
  }

  private async allowedLookups(watch: Claimed, wanted: number): Promise<number> {
    const [row] = await this.database.call<{ allowed: number }>(
      'allow-event-lookups',
      'select allow_event_lookups($1, $2, $3, $3) as allowed',
      [watch.tenant_id, wanted, callsPerSecond],
    );
    return row?.allowed ?? 0;
  }

  /** Undefined if IVS does not tell for the moment. */
  private async exceedsAllowed(
    watch: Claimed,
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

  private async connected(watch: Claimed): Promise<Participant[]> {
    if (watch.stage_arn === null || watch.users?.length === 0) return [];
    return await this.realTime.connectedParticipants(accountOf(watch), watch.stage_arn, watch.users ?? undefined);
  }
}

function accountOf(watch: Claimed): IvsAccount {
  return { region: watch.region, awsRoleArn: watch.aws_role_arn, awsExternalId: watch.aws_external_id };
}
