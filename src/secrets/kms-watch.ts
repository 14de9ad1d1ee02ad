import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { DataKeys, deployment } from './data-keys.ts';
import { Keyring } from './keyring.ts';
import { Kms, KmsFailure } from './kms.ts';

/** After so many refusals in a row, data keys in memory are forgotten. One may be a mistake of the moment. */
const refusalsToForget = 2;

/**
 * Asks AWS KMS once a minute whether the master keys can be used that are there. If KMS refuses one for longer, because
 * somebody has disabled it or has taken the right to use it away, this replica stops using the data keys that it has in
 * memory. If KMS does not answer, it goes on with them.
 */
@Injectable()
export class KmsWatch extends BackgroundWork {
  protected readonly everyMs = 60_000;
  /** Refusals in a row, by the id of the key. */
  private readonly refusals = new Map<string, number>();

  constructor(
    private readonly keyring: Keyring,
    private readonly kms: Kms,
    private readonly dataKeys: DataKeys,
  ) {
    super();
  }

  /** @throws {KmsFailure} that of the last key that cannot be used. */
  async run(): Promise<void> {
    let failure: unknown;
    for (const key of this.keyring.kmsKeys) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- there is one, almost always
        await this.kms.openDataKey(key.arn, deployment, key.dataKey);
        this.refusals.delete(key.id);
      } catch (error) {
        failure = error;
        if (!(error instanceof KmsFailure) || error.kind !== 'refused') continue;
        const refusals = (this.refusals.get(key.id) ?? 0) + 1;
        this.refusals.set(key.id, refusals);
        if (refusals >= refusalsToForget) this.dataKeys.forget(key);
      }
    }
    if (failure !== undefined) throw failure;
  }
}
