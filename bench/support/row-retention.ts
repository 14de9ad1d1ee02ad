/** How old rows are deleted, beside vends and for a long time. */
import { setTimeout as delay } from 'node:timers/promises';

import type pg from 'pg';

import { limits } from '../../src/limits.ts';
import { type Deployment, withClient } from './deployment.ts';
import { callOf } from './functions.ts';
import type { Issuer } from './issuers.ts';
import { load } from './load.ts';
import { processorMs } from './processes.ts';
import { heading, line, perSecond } from './report.ts';
import { tenantId, tenants } from './row-shape.ts';
import { mb, printLatencies, type Size, size, vendsOf } from './row-sizes.ts';
import { refuseFailures } from './vending.ts';

/** Vends a second beside the deletion. */
const vendsPerSecond = 200;

/** The oldest day of rows is deleted by the service, beside vends. */
export async function retention(of: Size, issuer: Issuer): Promise<void> {
  const { deployment, rows } = of;
  heading(`${size(rows)}: retention of a day beside ${vendsPerSecond} vends a second`);
  const next = vendsOf(issuer, vendsPerSecond * 120);
  const spell = 30;
  const ask = async () => {
    const result = await load({ url: deployment.url, connections: 32, seconds: spell, rate: vendsPerSecond, next });
    refuseFailures(result);
    return result;
  };
  await ask();
  printLatencies('vends beside nothing', await ask());
  const { rows: ages } = await withClient(deployment.superuserUrl, (client) =>
    client.query<{ days: number }>(
      `select floor(extract(epoch from now() - min(expires_at)) / 86400)::int - 1 as days from grants`,
    ),
  );
  const days = ages[0]?.days ?? 79;
  await deployment.restart({ GRANT_RETENTION_DAYS: String(days), AUDIT_RETENTION_DAYS: String(Math.max(30, days)) });
  // The service compiles its code first.
  await load({ url: deployment.url, connections: 32, seconds: 5, rate: vendsPerSecond, next });
  const before = await deleted(deployment);
  const beside = await ask();
  const after = await deleted(deployment);
  printLatencies('vends beside the deletion', beside);
  for (const table of ['grants', 'audit', 'deliveries', 'actions', 'bans']) {
    const gone = (after[table] ?? 0) - (before[table] ?? 0);
    line(`  deleted by one replica in ${spell} s: ${table}`, gone.toLocaleString('en'), perSecond(gone / spell));
  }
  await deleteAtOnce(of, days - 1);
}

/** Deletes grants of another day as fast as one connection can, as the service's steps do. */
async function deleteAtOnce({ deployment, rows }: Size, days: number): Promise<void> {
  await withClient(deployment.serviceUrl, async (client) => {
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = own[0]?.pid ?? 0;
    const before = new Date(Date.now() - days * 86_400_000);
    const used = processorMs(pid) ?? NaN;
    const began = performance.now();
    let gone = 0;
    for (let n = 0; n < tenants && performance.now() - began < 10_000; n++) {
      for (let after: Date | null = new Date(0); after !== null && performance.now() - began < 10_000;) {
        const { text, values } = await callOf('drop_old_grants', {
          tenant: tenantId(n),
          before,
          after,
          most: limits.sweptAtOnce,
        });
        const { rows: found } = await client.query<{ dropped: string; reached: Date | null }>(text, values);
        gone += Number(found[0]?.dropped ?? 0);
        after = found[0]?.reached ?? null;
      }
    }
    const seconds = (performance.now() - began) / 1_000;
    const each = (((processorMs(pid) ?? NaN) - used) / gone) * 1_000;
    line(
      `${size(rows)}: grants deleted without a pause`,
      perSecond(gone / seconds),
      `${gone.toLocaleString('en')} rows, ${each.toFixed(0)} µs of processor each`,
    );
  });
}

async function deleted(deployment: Deployment): Promise<Record<string, number>> {
  await delay(1_500); // Postgres tells of what it did a second later
  const { rows } = await withClient(deployment.superuserUrl, (client) =>
    client.query<{ name: string; gone: string }>('select relname as name, n_tup_del as gone from pg_stat_user_tables'),
  );
  return Object.fromEntries(rows.map(({ name, gone }) => [name, Number(gone)]));
}

/** A fifth of the rows is new in each round and the oldest fifth is deleted, as in years. Autovacuum does what its defaults say. */
export async function fillAndDelete(deployment: Deployment): Promise<void> {
  heading('Rounds: a fifth of the grants is new, and the oldest fifth is deleted');
  await deployment.service.stop();
  await withClient(deployment.superuserUrl, async (client) => {
    await client.query('alter table grants set (autovacuum_enabled = off)');
    const { rows: first } = await client.query<{ size: string; vends: string }>(
      `select pg_total_relation_size('grants') as size, (select count(*) from grants where kind = 'stage') as vends`,
    );
    const vendCount = Number(first[0]?.vends);
    const begins = Number(first[0]?.size);
    const step = Math.round(vendCount / 5);
    for (let round = 1; round <= 15; round++) {
      const from = vendCount + (round - 1) * step;
      await client.query('select bench_grants($1, $2)', [from + 1, from + step]);
      const gone = await dropOldest(client, step);
      const { rows: found } = await client.query<{ size: string; live: string }>(
        `select pg_total_relation_size('grants') as size, (select count(*) from grants) as live`,
      );
      const isTime = gone + unvacuumed > 50 + Number(found[0]?.live) / 5;
      unvacuumed = isTime ? 0 : unvacuumed + gone;
      if (isTime) await client.query('vacuum analyze grants');
      if (round % 3 === 0)
        line(
          `after round ${round}`,
          `${(Number(found[0]?.size) / begins).toFixed(2)} ×`,
          `${mb(found[0]?.size ?? 0)}, ${Number(found[0]?.live).toLocaleString('en')} rows`,
        );
    }
  });
}

/** Rows that were deleted since the last vacuum. */
let unvacuumed = 0;

/** Deletes about so many vends' grants, the oldest, as the service does. */
async function dropOldest(client: pg.Client, vendCount: number): Promise<number> {
  const { rows: found } = await client.query<{ before: Date }>(
    `select issued_at as before from grants where kind = 'stage' order by issued_at offset $1 limit 1`,
    [vendCount],
  );
  let gone = 0;
  for (let n = 0; n < tenants; n++) {
    for (let after: Date | null = new Date(0); after !== null;) {
      const { text, values } = await callOf('drop_old_grants', {
        tenant: tenantId(n),
        before: found[0]?.before ?? new Date(0),
        after,
        most: limits.sweptAtOnce,
      });
      const { rows } = await client.query<{ dropped: string; reached: Date | null }>(text, values);
      gone += Number(rows[0]?.dropped ?? 0);
      after = rows[0]?.reached ?? null;
    }
  }
  return gone;
}
