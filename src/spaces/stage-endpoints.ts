import { Injectable } from '@nestjs/common';
import { Database, systemScope } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
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

/** Gives the endpoints for tokens that Stagedoor signs, and keeps them as fresh as AWS demands. */
@Injectable()
export class StageEndpoints {
  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
  ) {}

  /** @throws {IvsFailure} if the known endpoints are more than 14 days old and IVS does not give new ones. */
  async of(tenantId: string, spaceId: string, account: IvsAccount, stage: KnownStage): Promise<Endpoints> {
    const ageMs = Date.now() - Date.parse(stage.endpointsAt);
    if (ageMs < refreshAfterMs) return stage.endpoints;
    try {
      const { endpoints } = await this.realTime.getStage(account, stage.arn);
      await this.database.inScope(systemScope(tenantId), (tx) =>
        tx.space.updateMany({
          where: { tenantId, id: spaceId, stageArn: stage.arn },
          data: { stageEndpoints: endpoints, stageEndpointsAt: new Date() },
        }),
      );
      return endpoints;
    } catch (error) {
      if (ageMs < unusableAfterMs) return stage.endpoints;
      throw error;
    }
  }
}
