import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { bad, type Check, good } from '../check.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database } from '../database/database.ts';
import { idOf, Keyring, nameOf } from './keyring.ts';
import { SealedColumns } from './sealed-columns.ts';

const check = 'STAGEDOOR_MASTER_KEY';

/** A master key should be replaced once a year (docs/operations/rotate.md). Some weeks more are no fault. In days. */
const mostDays = 400;

const knownRow = z.object({ id: z.string(), first_used_at: z.date() });

/** Looks at the master keys of the setting, and at what the database needs of them. */
@Injectable()
export class MasterKeyCheck {
  constructor(
    private readonly settings: Settings,
    private readonly database: Database,
    private readonly keyring: Keyring,
    private readonly columns: SealedColumns,
    private readonly clock: DatabaseClock,
  ) {}

  /** @throws {Problem} `unavailable` if the database does not answer. */
  async look(): Promise<Check> {
    const known = await this.database.call('list_master_keys', {}, knownRow);
    const { current } = this.keyring;
    const given = this.settings.masterKeys.map((key) => ({ id: idOf(key), arn: typeof key === 'string' ? key : null }));
    const others = given.filter(({ id }) => id !== current);
    const names = (keys: typeof given) => keys.map(nameOf).join(', ');
    const spare = others.filter(({ id }) => !known.some((one) => one.id === id));
    if (spare.length > 0)
      return bad(
        'warning',
        check,
        `Nothing is sealed with ${names(spare)}.`,
        'Take it out of STAGEDOOR_MASTER_KEY, or put it first to seal with it (docs/operations/rotate.md#the-master-key).',
      );
    if (others.length > 0) {
      const counts = await this.columns.counts();
      const waiting = others.reduce((sum, { id }) => sum + (counts.get(this.keyring.sealOf(id)) ?? 0), 0);
      return bad(
        'warning',
        check,
        `${waiting} values are still sealed with ${names(others)}. The service seals them anew by itself.`,
        'Keep the key until stagedoor_secrets_of_old_keys is 0 and this check says that nothing is sealed with it.',
      );
    }
    const since = known.find(({ id }) => id === current)?.first_used_at;
    const days = since === undefined ? 0 : (this.clock.now().getTime() - since.getTime()) / 86_400_000;
    const found = `${names(given)} seals everything${since === undefined ? '' : `, since ${since.toISOString().slice(0, 10)}`}.`;
    if (days <= mostDays) return good(check, found);
    return bad('warning', check, found, 'Replace it once a year (docs/operations/rotate.md#the-master-key).');
  }
}
