import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database, systemScope } from '../database/database.ts';
import { SpacesService } from './spaces.service.ts';

/** Spaces that one run settles at most. */
const spacesAtOnce = 20;

/** Finishes creations and deletions of spaces that a crash or an outage of IVS cut short. */
@Injectable()
export class SpaceReclaimer extends BackgroundWork {
  protected readonly everyMs = 30_000;
  private readonly logger = new Logger(SpaceReclaimer.name);

  constructor(
    private readonly database: Database,
    private readonly spaces: SpacesService,
  ) {
    super();
  }

  /** @param olderThan leaves alone what somebody may still be working on (a Postgres interval). */
  async run(olderThan = '1 minute'): Promise<void> {
    const unsettled = await this.database.call(
      'unsettled_spaces',
      { olderThan, limit: spacesAtOnce },
      z.object({ tenant_id: z.string(), id: z.string() }),
    );
    for (const { tenant_id: tenantId, id: spaceId } of unsettled) {
      try {
        await this.settle(tenantId, spaceId);
      } catch (error) {
        this.logger.warn({ spaceId, err: error }, 'a space could not be settled; it will be tried again');
      }
    }
  }

  private async settle(tenantId: string, spaceId: string): Promise<void> {
    const row = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.space.findUnique({ where: { tenantId_id: { tenantId, id: spaceId } } }),
    );
    if (!row) return;
    if (row.readyAt === null) await this.spaces.discard({ tenantId, spaceId });
    else await this.spaces.finishRemoval(tenantId, spaceId);
  }
}
