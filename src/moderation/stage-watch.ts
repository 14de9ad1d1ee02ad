import { Injectable, Logger } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';
import { Delivery } from './delivery.ts';
import { isBeyond } from './rights-in-use.ts';

/**
 * ListParticipants a second in one account and Region, of all replicas together, and as many ListParticipantEvents: IVS
 * allows five of each.
 */
const callsPerSecond = 4;

/** How soon a stage is looked at again, while the rate allows. */
const againSeconds = 2;

/** Up to so many users are asked for by name; for more, everybody who is connected is listed. */
const maxByName = 3;

interface Claimed {
  tenant_id: string;
  space_id: string;
  stage_arn: string | null;
  users: string[];
  demoted: { participantId: string; since: string; allowed: string[] }[];
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

  constructor(
    private readonly database: ModerationDatabase,
    private readonly realTime: IvsRealTime,
    private readonly delivery: Delivery,
  ) {
    super();
  }

  async run(): Promise<void> {
    const claimed = await this.database.call<Claimed>(
      'claim-watches',
      "select * from claim_watches(10, '10 seconds'::interval, $1, $2, $3)",
      [maxByName, callsPerSecond, callsPerSecond],
    );
    const found = await Promise.all(claimed.map((watch) => this.look(watch)));
    if (found.some((count) => count > 0)) await this.delivery.run();
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
        JSON.stringify(await Promise.all(connected.map((participant) => this.seen(watch, participant)))),
        againSeconds,
      ],
    );
    return row?.found ?? 0;
  }

  /** What the database is to know of somebody who is connected; of the demoted also whether they have more than they may. */
  private async seen(watch: Claimed, { participantId, userId, published, sessionId }: Participant): Promise<object> {
    const seen = { participantId, userId, publishing: published };
    const demotion = watch.demoted.find((one) => one.participantId === participantId);
    if (!demotion || watch.stage_arn === null) return seen;
    try {
      const events = await this.realTime.participantEvents(accountOf(watch), watch.stage_arn, sessionId, participantId);
      return { ...seen, beyond: isBeyond(events, { since: new Date(demotion.since), allowed: demotion.allowed }) };
    } catch (error) {
      if (!(error instanceof IvsFailure)) throw error;
      this.logger.warn(
        { spaceId: watch.space_id, err: error },
        'a participant could not be looked at; it will be again',
      );
      return seen;
    }
  }

  private async connected(watch: Claimed): Promise<Participant[]> {
    if (watch.stage_arn === null || watch.users.length === 0) return [];
    const account = accountOf(watch);
    const byName = watch.users.length <= maxByName ? watch.users : undefined;
    return await this.realTime.connectedParticipants(account, watch.stage_arn, byName);
  }
}

function accountOf(watch: Claimed): IvsAccount {
  return { region: watch.region, awsRoleArn: watch.aws_role_arn, awsExternalId: watch.aws_external_id };
}
