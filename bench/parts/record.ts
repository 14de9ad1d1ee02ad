/** What a vend leaves behind: the bytes of its grant, of its audit entry and of their indexes, and the WAL that they take. */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import {
  type Deployment,
  makeTenant,
  processorUse,
  startDeployment,
  type Tenant,
  withClient,
} from '../support/deployment.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { post } from '../support/load.ts';
import { heading, line, note } from '../support/report.ts';
import { seconds } from '../support/settings.ts';
import { vend, vendRequests, warmUp } from '../support/vending.ts';
import { prepareWal, walBytes, walPosition } from '../support/wal.ts';

/** Bytes by name of a table or index. */
type Sizes = Map<string, number>;

interface Written {
  vends: number;
  tables: Sizes;
  indexes: Sizes;
  /** Bytes of WAL without full pages, and bytes of full pages. */
  wal: number;
  fullPages: number;
  postgresMs: number | undefined;
}

export async function record(): Promise<void> {
  heading('The record of a vend: bytes that Postgres keeps and writes, until the audit entry is sealed');
  note(
    'Full pages are what Postgres writes in addition, once for each page after a checkpoint; they are counted apart.',
  );
  const deployment = await startDeployment();
  try {
    const issuer = es256Issuer('https://es256.example');
    const signed = await makeTenant(deployment, 'key-pair', { issuers: [issuer], spaces: 20, signingKey: true });
    const byIvs = await makeTenant(deployment, 'ivs', { issuers: [issuer], spaces: 20 });
    await withClient(deployment.superuserUrl, prepareWal);
    await warmUp(deployment, vendRequests(signed, issuer, 6_000, 2));
    const stage = () => vendRequests(signed, issuer, 2_500 * seconds, 4);
    print('stage token, signed here', await measure(deployment, stage(), false));
    print('the same, right after a checkpoint', await measure(deployment, stage(), true));
    print('stage and chat token, made by IVS', await measure(deployment, joins(byIvs, issuer), false));
  } finally {
    await deployment.stop();
  }
}

function joins(tenant: Tenant, issuer: Issuer): () => Buffer {
  let person = 0;
  return () => post(`/v1/spaces/${tenant.spaceIds[person % 20]}/join`, issuer.token(`joins-${person++}`));
}

async function measure(deployment: Deployment, next: () => Buffer, afterCheckpoint: boolean): Promise<Written> {
  return await withClient(deployment.superuserUrl, async (client) => {
    await untilSealed(client);
    // Autovacuum would write in between, now or not at all.
    await client.query('vacuum');
    if (afterCheckpoint) await client.query('checkpoint');
    const [sizes, from, used] = [await sizesOf(client), await walPosition(client), processorUse(deployment)];
    const { answers } = await vend(deployment, { next, connections: 32, seconds });
    await untilSealed(client);
    const [after, to, usedAfter] = [await sizesOf(client), await walPosition(client), processorUse(deployment)];
    const { records, fullPages } = await walBytes(client, from, to);
    const postgres = used && usedAfter && (usedAfter['postgres'] ?? 0) - (used['postgres'] ?? 0);
    return {
      vends: answers,
      tables: difference(sizes.tables, after.tables),
      indexes: difference(sizes.indexes, after.indexes),
      wal: records / answers,
      fullPages: fullPages / answers,
      postgresMs: postgres && postgres / answers,
    };

    function difference(before: Sizes, later: Sizes): Sizes {
      const grown = [...later].map(([name, size]) => [name, (size - (before.get(name) ?? 0)) / answers] as const);
      return new Map(grown.filter(([, bytes]) => bytes >= 1));
    }
  });
}

/** Waits until the background has sealed the audit entries of all vends. */
export async function untilSealed(client: pg.Client): Promise<void> {
  const { rows: sets } = await client.query<{ name: string }>(
    `select nspname as name from pg_proc join pg_namespace n on n.oid = pronamespace where proname = 'unsealed_audit'`,
  );
  for (const since = performance.now(); performance.now() - since < 120_000; await delay(200)) {
    const { rows } = await client.query<{ entries: string }>(`select entries from ${sets[0]?.name}.unsealed_audit(1)`);
    if (rows[0]?.entries === '0') return;
  }
  throw new Error('the audit log was not sealed within two minutes');
}

async function sizesOf(client: pg.Client): Promise<{ tables: Sizes; indexes: Sizes }> {
  const read = async (sql: string): Promise<Sizes> => {
    const { rows } = await client.query<{ name: string; size: string }>(sql);
    return new Map(rows.map(({ name, size }) => [name, Number(size)]));
  };
  return {
    tables: await read('select relname as name, pg_table_size(relid) as size from pg_stat_user_tables'),
    indexes: await read('select indexrelname as name, pg_relation_size(indexrelid) as size from pg_stat_user_indexes'),
  };
}

function print(what: string, { vends, tables, indexes, wal, fullPages, postgresMs }: Written): void {
  const [inTables, inIndexes] = [total(tables), total(indexes)];
  line(
    what,
    `${bytes(inTables + inIndexes)} a vend`,
    `tables ${bytes(inTables)}, indexes ${bytes(inIndexes)}; ${vends} vends`,
  );
  line('  WAL', `${bytes(wal)} a vend`, `and full pages ${bytes(fullPages)}`);
  if (postgresMs !== undefined) line('  Postgres, with the sealing', `${postgresMs.toFixed(2)} ms a vend`);
  note(`    ${each(tables)}`);
  note(`    ${each(indexes)}`);
}

function total(sizes: Sizes): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function bytes(count: number): string {
  return `${Math.round(count).toLocaleString('en')} B`;
}

function each(sizes: Sizes): string {
  return [...sizes]
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, size]) => `${name} ${Math.round(size)}`)
    .join(' · ');
}
