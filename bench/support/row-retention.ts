/** How old rows are deleted, beside vends and without a pause. */
import { setTimeout as delay } from 'node:timers/promises';

import { limits } from '../../src/limits.ts';
import { type Deployment, withClient } from './deployment.ts';
import { callOf } from './functions.ts';
import type { Issuer } from './issuers.ts';
import { load } from './load.ts';
import { processorMs } from './processes.ts';
import { heading, line, perSecond } from './report.ts';
import { tenantId, tenants } from './row-shape.ts';
import { printLatencies, type Size, size, vendsOf } from './row-sizes.ts';
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
  // Counted from the start on, because the pass begins with it.
  const before = await deleted(deployment);
  const began = performance.now();
  await deployment.restart({ GRANT_RETENTION_DAYS: String(days), AUDIT_RETENTION_DAYS: String(Math.max(30, days)) });
  // The service compiles its code first.
  await load({ url: deployment.url, connections: 32, seconds: 5, rate: vendsPerSecond, next });
  const beside = await ask();
  const after = await deleted(deployment);
  const took = Math.round((performance.now() - began) / 1_000);
  printLatencies('vends beside the deletion', beside);
  for (const table of ['grants', 'audit', 'deliveries', 'actions', 'bans']) {
    const gone = (after[table] ?? 0) - (before[table] ?? 0);
    line(`  deleted by one replica within ${took} s: ${table}`, gone.toLocaleString('en'));
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
