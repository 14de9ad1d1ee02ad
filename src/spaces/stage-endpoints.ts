import { Injectable } from '@nestjs/common';
import { Database, systemScope } from '../database/database.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsRealTime, type StageEndpoints as Endpoints } from '../ivs/ivs-real-time.ts';

const dayMs = 24 * 3600 * 1000;

/** AWS lets the endpoints of a stage be kept for 14 days; they are asked for again after half of that. */
const refreshAfterMs = 7 * dayMs;
const unusableAfterMs = 14 * dayMs;

/** A space's stage, with its endpoints as last heard. */
export interface KnownStage {
  arn: string;
  endpoints: Endpoints;
  endpointsAt: string;
}

/** Keeps the endpoints that go into tokens we sign no older than AWS allows. */
@Injectable()
export class StageEndpoints {
  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
  ) {}

  /** @throws {IvsFailure} if they have become too old and IVS does not tell the new ones. */
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
