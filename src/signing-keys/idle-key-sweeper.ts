import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { SigningKeyRemoval } from './signing-key-removal.ts';

/** Largest number of keys that one run removes. */
const keysAtOnce = 20;

/**
 * Removes keys whose import or deletion was interrupted, and retiring keys that no unexpired token needs. IVS allows three
 * public keys in an account and Region, so they would block new keys.
 */
@Injectable()
export class IdleKeySweeper extends BackgroundWork {
  protected readonly everyMs = 60_000;

  constructor(
    private readonly database: Database,
    private readonly removal: SigningKeyRemoval,
  ) {
    super();
  }

  /** @param olderThan a Postgres interval. Younger imports are skipped, because a request may still be working on them. */
  async run(olderThan = '1 minute'): Promise<void> {
    const idle = await this.database.call(
      'take_idle_signing_keys',
      { olderThan, expiredFor: '1 minute', limit: keysAtOnce },
      z.object({ tenant_id: z.string(), id: z.string() }),
    );
    // At once: one that waits for IVS does not hold up the others.
    await Promise.all(idle.map(({ tenant_id: tenantId, id }) => this.tryToRemove(tenantId, id)));
  }

  private async tryToRemove(tenantId: string, id: string): Promise<void> {
    try {
      await this.removal.finish(tenantId, id);
    } catch (error) {
      const text = 'A signing key could not be removed. It is tried again after the others.';
      this.partFailed(error, text, { signingKeyId: id });
    }
  }
}
