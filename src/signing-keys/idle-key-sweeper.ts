import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { SigningKeysService } from './signing-keys.service.ts';

/** Keys that one run removes at most. */
const keysAtOnce = 20;

/** Frees the places at IVS of keys that were never finished, or that no unexpired token needs any more. */
@Injectable()
export class IdleKeySweeper extends BackgroundWork {
  protected readonly everyMs = 60_000;
  private readonly logger = new Logger(IdleKeySweeper.name);

  constructor(
    private readonly database: Database,
    private readonly signingKeys: SigningKeysService,
  ) {
    super();
  }

  /** @param olderThan leaves alone an import somebody may still be working on (a Postgres interval). */
  async run(olderThan = '1 minute'): Promise<void> {
    const idle = await this.database.call(
      'idle_signing_keys',
      { olderThan, expiredFor: '1 minute', limit: keysAtOnce },
      z.object({ tenant_id: z.string(), id: z.string() }),
    );
    for (const { tenant_id: tenantId, id } of idle) {
      try {
        await this.signingKeys.finishRemoval(tenantId, id);
      } catch (error) {
        this.logger.warn(
          { signingKeyId: id, err: error },
          'a signing key could not be removed; it will be tried again',
        );
      }
    }
  }
}
