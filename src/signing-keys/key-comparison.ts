import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { IvsRealTime, type Tagged } from '../ivs/ivs-real-time.ts';
import { tenantTag } from '../ivs/session-policy.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { accountInRow } from '../tenants/tenant-account.ts';
import { keyTag, SigningKeyRemoval } from './signing-key-removal.ts';

/** Largest number of keys that one run compares. Each account has three at most, so a list answers for three. */
const keysAtOnce = 60;

const comparedKey = z.object({
  tenant_id: z.string(),
  id: z.string(),
  arn: z.string(),
  account: z.string(),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
});
type ComparedKey = z.output<typeof comparedKey>;

/**
 * Compares the signing keys with the public keys that IVS lists. Somebody can delete one in the AWS console: then its tokens are
 * refused, and so are all that it would sign. And IVS may have one that nobody here knows, which takes one of the three places of
 * an account and Region. The first is noted like a deletion of ours. The second is only told of: whoever has a copy of the
 * database, for a test, must not delete the keys of the original.
 */
@Injectable()
export class KeyComparison extends BackgroundWork {
  protected readonly everyMs = 60_000;
  private readonly logger = new Logger(KeyComparison.name);

  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
    private readonly removal: SigningKeyRemoval,
    private readonly metrics: Metrics,
  ) {
    super();
  }

  /** @param olderThan a Postgres interval. Keys that were made or compared since then are skipped. */
  async run(olderThan = '10 minutes'): Promise<void> {
    const args = { olderThan, limit: keysAtOnce };
    const keys = await this.database.call('take_signing_keys_to_compare', args, comparedKey);
    const accounts = Map.groupBy(keys, ({ account }) => account);
    // At once: an account whose calls fail does not hold up the others.
    await Promise.all([...accounts.values()].map((ofAccount) => this.tryToCompare(ofAccount)));
  }

  private async tryToCompare(keys: ComparedKey[]): Promise<void> {
    try {
      await this.compare(keys);
    } catch (error) {
      const ids = keys.map(({ id }) => id);
      const text = 'Signing keys could not be compared with those that IVS lists. It is tried again.';
      this.partFailed(error, text, { signingKeyIds: ids });
    }
  }

  /** @param keys keys of one account and Region. */
  private async compare(keys: ComparedKey[]): Promise<void> {
    const [first] = keys;
    if (!first) return;
    const listed = await this.realTime.listPublicKeys(accountInRow(first));
    const arns = new Set(listed.map(({ arn }) => arn));
    for (const key of keys) if (!arns.has(key.arn)) await this.noteIfMissing(key);
    await this.tellUnknown(listed);
  }

  private async noteIfMissing(key: ComparedKey): Promise<void> {
    const { tenant_id: tenantId, id, arn } = key;
    if (await this.realTime.hasPublicKey(accountInRow(key), arn)) return;
    this.metrics.differingKeys.inc({ found: 'missing' });
    const text = 'IVS does not have a signing key any more. Its tokens are void, and it signs no others.';
    this.logger.warn({ tenantId, signingKeyId: id, arn }, text);
    await this.removal.noteMissing(tenantId, id);
  }

  private async tellUnknown(listed: Tagged[]): Promise<void> {
    const tagged = listed.flatMap(({ arn, tags }) => {
      const [tenant, key] = [tags?.[tenantTag], tags?.[keyTag]];
      return tenant !== undefined && key !== undefined ? [{ arn, tenant, key }] : [];
    });
    if (tagged.length === 0) return;
    const args = { tenants: tagged.map(({ tenant }) => tenant), keys: tagged.map(({ key }) => key) };
    const unknown = await this.database.value('unknown_signing_keys', args, z.array(z.string()));
    for (const { arn, tenant, key } of tagged) {
      if (!unknown.includes(key)) continue;
      this.metrics.differingKeys.inc({ found: 'unknown' });
      const text = 'IVS has a public key of a tenant that this database does not know. It takes one of three places.';
      this.logger.warn({ tenantId: tenant, signingKeyId: key, arn }, text);
    }
  }
}
