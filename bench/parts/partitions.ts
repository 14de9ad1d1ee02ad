/**
 * What decision 0044 rests on: a ledger in one table whose oldest rows are deleted in steps, beside one in weekly partitions whose
 * oldest is dropped. Both are sketches with the columns and the indexes that matter; the service has the first one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { startPostgres } from '../../dev/postgres.ts';
import { withClient } from '../support/deployment.ts';
import { heading, line, median, ms, note, percentile, perSecond } from '../support/report.ts';

const weeks = 13;
const rowsOfWeek = 100_000;
/** Rows of other users and of other tenants are between the rows of a user. */
const users = 20_000;
const vendsPerSecond = 200;
/** Seconds of a load. What is measured begins after a quarter of it, and the long transaction ends after three quarters. */
const spell = 12;
/** Largest number of rows of a step, as limits.sweptAtOnce. */
const step = 1_000;

export async function partitions(): Promise<void> {
  heading(
    `A ledger of ${weeks} weeks with ${rowsOfWeek.toLocaleString('en')} rows each: one table, and one partition for each week`,
  );
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-partitions-'));
  const postgres = await startPostgres({ dataDir: path.join(folder, 'postgres'), durable: true, password: 'bench' });
  const url = postgres.url('postgres');
  try {
    await withClient(url, async (client) => {
      await fill(client);
      await lookUp(client);
    });
    await besideVends(url);
  } finally {
    await postgres.stop();
    rmSync(postgres.dataDir, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

const columns = `tenant_id text not null, id text not null, user_id text not null, participant_id text not null, issued_at timestamptz not null,
                 expires_at timestamptz not null, details text not null`;

/** The weeks of the rows, the oldest first. Partition 0 is the oldest, and the last one is of now. */
async function fill(client: pg.Client): Promise<void> {
  await client.query(`create table whole (${columns}, primary key (tenant_id, id))`);
  // A unique key of a partitioned table has to hold the column of the partitions.
  await client.query(
    `create table parted (${columns}, primary key (tenant_id, id, expires_at)) partition by range (expires_at)`,
  );
  for (const table of ['whole', 'parted']) {
    await client.query(`create index on ${table} (tenant_id, user_id, issued_at)`);
    await client.query(`create index on ${table} (tenant_id, participant_id)`);
    await client.query(`create index on ${table} (tenant_id, expires_at)`);
  }
  await client.query("create table beginning as select date_trunc('hour', now()) as at");
  const { rows } = await client.query<{ at: Date }>('select at from beginning');
  const week = 7 * 86_400_000;
  const border = (n: number) => new Date((rows[0]?.at.getTime() ?? 0) - (weeks - 1 - n) * week).toISOString();
  for (let n = 0; n < weeks; n++)
    await client.query(
      `create table parted_${n} partition of parted for values from ('${border(n)}') to ('${border(n + 1)}')`,
    );
  for (const table of ['whole', 'parted'])
    await client.query(
      `insert into ${table}
       select 'ten_' || v % 50, 'grt_' || lpad(v::text, 26, '0'), 'user-' || (hashint8extended(v, 1) & 2147483647) % ${users}, substr(md5(v::text), 1, 16), at, at + interval '10 minutes',
              repeat('x', 100)
         from generate_series(1, ${weeks * rowsOfWeek}) v,
              lateral (select (select at from beginning) - interval '7 days' * (${weeks - 1} - v::float8 / ${rowsOfWeek}) as at) a
        where at + interval '10 minutes' < (select at from beginning) + interval '7 days'`,
    );
  await client.query('vacuum analyze');
}

/** What acts, looks and exchanges ask: none of them knows when the grant expires. */
async function lookUp(client: pg.Client): Promise<void> {
  const asked: Record<string, string> = {
    'a grant by its id': `tenant_id = $1 and id = 'grt_' || lpad($2::text, 26, '0')`,
    'a grant by its participant': `tenant_id = $1 and participant_id = substr(md5($2::text), 1, 16)`,
    'the newest grant of a user': `tenant_id = $1 and user_id = 'user-' || (hashint8extended($2::bigint, 1) & 2147483647) % ${users} order by issued_at desc limit 1`,
  };
  for (const [what, condition] of Object.entries(asked)) {
    const found: { taken: number; pages: number; planning: number }[] = [];
    for (const table of ['whole', 'parted']) {
      const taken: { taken: number; pages: number; planning: number }[] = [];
      for (let n = 0; n < 60; n++) {
        const v = ((n * 7_919_131) % (weeks * rowsOfWeek)) + 1;
        const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(
          `explain (analyze, buffers, timing off, format json) select * from ${table} where ${condition}`,
          [`ten_${v % 50}`, v],
        );
        const explained = rows[0]?.['QUERY PLAN'][0];
        if (n < 20 || !explained) continue;
        const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = explained.Plan;
        taken.push({ taken: explained['Execution Time'], planning: explained['Planning Time'], pages: hit + read });
      }
      const of = (key: 'taken' | 'pages' | 'planning') => median(taken.map((one) => one[key]));
      found.push({ taken: of('taken'), pages: of('pages'), planning: of('planning') });
    }
    const [whole, parted] = found;
    line(
      what,
      `${ms(whole?.taken ?? NaN)} → ${ms(parted?.taken ?? NaN)}`,
      `${whole?.pages} → ${parted?.pages} pages; planning ${ms(whole?.planning ?? NaN)} → ${ms(parted?.planning ?? NaN)}`,
    );
  }
}

interface Explained {
  'Execution Time': number;
  'Planning Time': number;
  Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number };
}

/** What vends wait for while a week goes: alone, and beside a transaction that has read the table, as a backup does. */
async function besideVends(url: string): Promise<void> {
  note(
    `${vendsPerSecond} vends a second, a row and a commit each, for ${spell} s. The long transaction has read the table, and lasts for ${spell * 0.5} s more.`,
  );
  let oldest = 0;
  const drop = () => `drop table parted_${oldest++}`;
  const detach = (how: string) => () => `alter table parted detach partition parted_${oldest++} ${how}`;
  const cases: [
    what: string,
    table: string,
    isLong: boolean,
    end: ((client: pg.Client) => Promise<string>) | undefined,
  ][] = [
    ['one table, nothing is deleted', 'whole', false, undefined],
    ['one table, a week is deleted in steps', 'whole', false, deleteInSteps],
    ['one table, the same beside a long transaction', 'whole', true, deleteInSteps],
    ['partitions, nothing is dropped', 'parted', false, undefined],
    ['partitions, drop', 'parted', false, once(drop)],
    ['partitions, drop beside a long transaction', 'parted', true, once(drop)],
    ['partitions, detach beside a long transaction', 'parted', true, once(detach(''))],
    ['partitions, detach concurrently beside it', 'parted', true, once(detach('concurrently'))],
  ];
  for (const [what, table, isLong, end] of cases) await measure(url, what, table, isLong, end);
}

function once(statement: () => string): (client: pg.Client) => Promise<string> {
  return async (client) => {
    const began = performance.now();
    await client.query(statement());
    return `it took ${ms(performance.now() - began)}`;
  };
}

/** Deletes what expired first, as drop_old_grants does. */
async function deleteInSteps(client: pg.Client): Promise<string> {
  const began = performance.now();
  let gone = 0;
  for (let last = step; last === step && gone < rowsOfWeek; gone += last) {
    const { rowCount } = await client.query(
      `delete from whole where ctid = any (array(
         select ctid from whole where tenant_id = $1 order by expires_at limit ${step}))`,
      [`ten_${Math.floor(gone / step) % 50}`],
    );
    last = rowCount ?? 0;
  }
  return `${gone.toLocaleString('en')} rows in ${ms(performance.now() - began)}, ${perSecond(gone / ((performance.now() - began) / 1_000))}`;
}

async function measure(
  url: string,
  what: string,
  table: string,
  isLong: boolean,
  end: ((client: pg.Client) => Promise<string>) | undefined,
): Promise<void> {
  const long = new pg.Client({ connectionString: url });
  const ender = new pg.Client({ connectionString: url });
  await Promise.all([long.connect(), ender.connect()]);
  try {
    const vends = vend(url, table);
    await delay((spell / 4) * 1_000);
    if (isLong) await long.query(`begin; select count(*) from (select from ${table} limit 10) as read`);
    const ending = end?.(ender);
    await delay((spell / 2) * 1_000);
    if (isLong) await long.query('commit');
    const said = (await ending) ?? '';
    const latencies = Float64Array.from(await vends).sort();
    const waited = latencies.filter((latency) => latency > 1_000).length;
    line(
      what,
      `p99 ${ms(percentile(latencies, 0.99))}`,
      `p50 ${ms(percentile(latencies, 0.5))} · max ${ms(percentile(latencies, 1))}; ${waited} of ${latencies.length} vends waited for more than a second${said && `; ${said}`}`,
    );
  } finally {
    await Promise.all([long.end(), ender.end()]);
  }
}

/** Latencies of vends, each from the time at which it was due. */
async function vend(url: string, table: string): Promise<number[]> {
  const pool = new pg.Pool({ connectionString: url, max: 32 });
  const latencies: number[] = [];
  const under: Promise<void>[] = [];
  const start = performance.now();
  for (let n = 0; n < vendsPerSecond * spell; n++) {
    const due = start + (n / vendsPerSecond) * 1_000;
    if (due > performance.now()) await delay(Math.max(0, due - performance.now()));
    under.push(
      pool
        .query(
          `insert into ${table} values ($1, gen_random_uuid()::text, $2, substr(md5($2), 1, 16), now(), now() + interval '10 minutes', repeat('x', 100))`,
          [`ten_${n % 50}`, `user-${n % users}`],
        )
        .then(() => void latencies.push(performance.now() - due)),
    );
  }
  await Promise.all(under);
  await pool.end();
  return latencies;
}
