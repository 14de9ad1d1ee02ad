import { Injectable, Logger } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { z } from 'zod';
import { WorkInPasses } from '../background.ts';
import { Database } from '../database/database.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { KeyUnavailable } from './data-keys.ts';
import { Keyring, nameOf } from './keyring.ts';
import { SealedColumns } from './sealed-columns.ts';
import { Secrets } from './secrets.ts';

/** A master key is kept for this time after a replica last sealed with it. Each notes once a minute that it does. */
const idle = '10 minutes';

const knownRow = z.object({ id: z.string(), kms_key: z.string().nullable() });

/**
 * Seals the secrets of all tenants anew with the first master key, after that was replaced, and notes when an older key is not needed
 * any more. It goes in small steps, and what is done is done: after a crash it finds what is left. Replicas that do the
 * same at once replace a value only if it is still the one that they read.
 */
@Injectable()
export class Resealing extends WorkInPasses {
  protected readonly passMs = 60_000;
  private readonly logger = new Logger(Resealing.name);
  private waiting = 0;

  constructor(
    private readonly database: Database,
    private readonly keyring: Keyring,
    private readonly secrets: Secrets,
    private readonly columns: SealedColumns,
    metrics: Metrics,
  ) {
    super();
    const waiting = () => this.waiting;
    metrics.registry.registerMetric(
      new Gauge({
        name: 'stagedoor_secrets_of_old_keys',
        help: 'Sealed values in the database that need a master key which is not the first one. At zero the others can be removed.',
        registers: [],
        collect() {
          this.set(waiting());
        },
      }),
    );
  }

  protected async *pass(): AsyncGenerator<void> {
    const { keyring } = this;
    await this.database.run('use_master_key', keyring.use);
    const older = await this.olderKeys();
    if (older.length === 0) {
      this.waiting = 0;
      return;
    }
    yield* this.columns.resealAll(keyring.seal, async (value, place) => {
      try {
        return Uint8Array.from(await this.secrets.seal(await this.secrets.open(value.sealed, place), place));
      } catch (error) {
        if (error instanceof KeyUnavailable) throw error; // the next pass goes on
        this.partFailed(error, 'A secret cannot be opened, so it is not sealed anew.', place, 'error');
        return undefined;
      }
    });
    const counts = await this.columns.counts();
    this.waiting = [...counts].reduce((sum, [seal, count]) => (seal === keyring.seal ? sum : sum + count), 0);
    for (const { id, kms_key: arn } of older) {
      if ((counts.get(keyring.sealOf(id)) ?? 0) > 0) continue;
      // oxlint-disable-next-line no-await-in-loop -- there is one, almost always
      if (await this.database.value('forget_master_key', { key: id, idle }, z.boolean()))
        this.logger.log(
          `Nothing needs the master key ${nameOf({ id, arn })} any more. Take it out of STAGEDOOR_MASTER_KEY.`,
        );
    }
  }

  private async olderKeys(): Promise<z.output<typeof knownRow>[]> {
    const known = await this.database.call('list_master_keys', {}, knownRow);
    return known.filter(({ id }) => id !== this.keyring.current);
  }
}
