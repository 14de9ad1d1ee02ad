import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database, systemScope } from '../database/database.ts';
import { SpaceRemoval } from './space-removal.ts';

/** Spaces that one run settles at most. */
const spacesAtOnce = 20;

/** Finishes the creation and deletion of spaces that a crash or an outage of IVS interrupted. */
@Injectable()
export class SpaceReclaimer extends BackgroundWork {
  protected readonly everyMs = 30_000;

  constructor(
    private readonly database: Database,
    private readonly removal: SpaceRemoval,
  ) {
    super();
  }

  /** @param olderThan a Postgres interval. Younger spaces are skipped, because a request may still be working on them. */
  async run(olderThan = '1 minute'): Promise<void> {
    const unsettled = await this.database.call(
      'take_unsettled_spaces',
      { olderThan, limit: spacesAtOnce },
      z.object({ tenant_id: z.string(), id: z.string() }),
    );
    // At once: one that waits for IVS does not hold up the others.
    await Promise.all(unsettled.map(({ tenant_id: tenantId, id }) => this.tryToFinish(tenantId, id)));
  }

  private async tryToFinish(tenantId: string, spaceId: string): Promise<void> {
    try {
      await this.finish(tenantId, spaceId);
    } catch (error) {
      const text = 'The creation or deletion of a space could not be finished. It is tried again after the others.';
      this.partFailed(error, text, { spaceId });
    }
  }

  private async finish(tenantId: string, spaceId: string): Promise<void> {
    const row = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.space.findUnique({ where: { tenantId_id: { tenantId, id: spaceId } } }),
    );
    if (!row) return;
    if (row.readyAt === null) await this.removal.discard(tenantId, spaceId);
    else await this.removal.finish(tenantId, spaceId);
  }
}
