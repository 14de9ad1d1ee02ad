import { Injectable } from '@nestjs/common';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import { IvsRealTime, type StageEndpoints as Endpoints } from '../ivs/ivs-real-time.ts';

const dayMs = 24 * 3600 * 1000;

/**
 * AWS allows programs to keep the endpoints of a stage for 14 days (IVS user guide, "Distribute participant tokens").
 * Stagedoor asks for them again after half of that time.
 */
const refreshAfterMs = 7 * dayMs;
const unusableAfterMs = 14 * dayMs;

/** The stage of a space, with its endpoints as IVS last gave them. */
export interface KnownStage {
  arn: string;
  endpoints: Endpoints;
  /** Time of the answer that held the endpoints, as ISO 8601. */
  endpointsAt: string;
}

/** After a failure IVS is asked again after this time, in milliseconds, as long as the known endpoints are usable. */
const retryAfterMs = 60_000;

/** Gives the endpoints for tokens that Stagedoor signs, and keeps them as fresh as AWS demands. */
@Injectable()
export class StageEndpoints {
  /** Requests for new endpoints by ARN of the stage: those on their way, and those that have just failed. */
  private readonly refreshes = new Map<string, Promise<Endpoints>>();

  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * The endpoints of a stage. Old ones are refreshed without waiting, as long as they are usable: the call waits for its
   * turn, and a token does not.
   * @throws {IvsFailure} if the known endpoints are more than 14 days old and IVS does not give new ones.
   */
  async of(tenantId: string, spaceId: string, tenant: IvsTenant, stage: KnownStage): Promise<Endpoints> {
    const ageMs = this.clock.now().getTime() - Date.parse(stage.endpointsAt);
    if (ageMs < refreshAfterMs) return stage.endpoints;
    const isUsable = ageMs < unusableAfterMs;
    const known = this.refreshes.get(stage.arn);
    const refresh = known ?? this.refresh(tenantId, spaceId, tenant, stage.arn);
    if (!known) {
      const forget = () => this.refreshes.delete(stage.arn);
      this.refreshes.set(stage.arn, refresh);
      refresh.then(forget, () => (isUsable ? setTimeout(forget, retryAfterMs).unref() : forget()));
    }
    return isUsable ? stage.endpoints : await refresh;
  }

  private async refresh(tenantId: string, spaceId: string, tenant: IvsTenant, stageArn: string): Promise<Endpoints> {
    const { endpoints } = await this.realTime.getStage(tenant, stageArn);
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.space.updateMany({
        where: { tenantId, id: spaceId, stageArn },
        data: { stageEndpoints: endpoints, stageEndpointsAt: this.clock.now() },
      }),
    );
    return endpoints;
  }
}
