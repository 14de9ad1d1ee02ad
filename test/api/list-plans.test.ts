/** Lists in a ledger of some size: whatever the filters, a page looks at a bounded number of rows. */
import pg from 'pg';
import { Database, ReadDatabase } from '../../src/database/database.ts';
import { rowsLookedAt } from '../../src/http/paging.ts';
import { Stagedoor, type TestTenant } from '../support/stagedoor.ts';

const rows = 30_000;
const tables = ['audit', 'grants', 'bans', 'members', 'spaces'];

let stagedoor: Stagedoor;
let tenant: TestTenant;
let spaceId: string;
let connection: pg.Client;
/** The statements of the service's transactions, as it sent them. */
let sent: { text: string; values: unknown[] }[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  spaceId = (await stagedoor.createSpace(tenant))['id'];
  const other = await stagedoor.createTenant();
  for (const table of tables) await stagedoor.database.query(`alter table ${table} set (autovacuum_enabled = off)`);
  await fill(tenant.id, spaceId);
  await fill(other.id, (await stagedoor.createSpace(other))['id']);
  for (const part of [Database, ReadDatabase]) listenTo(stagedoor.app.get<Database>(part).pool);
  connection = new pg.Client({ connectionString: stagedoor.database.serviceUrl });
  await connection.connect();
});
afterAll(async () => {
  await connection.end();
  await stagedoor.stop();
});

/**
 * Rows of two months, the newest last. One user and one space have half of them, `rare` has the oldest. Most tokens have
 * expired; a hundred that can be used are the oldest. Most bans are lifted, most spaces deleted.
 */
async function fill(tenantId: string, bigSpaceId: string): Promise<void> {
  const made = `select n, at,
      -- As in an id: ten digits for the time, then anything.
      (select string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', ((ms >> (5 * digit)) & 31)::int + 1, 1), '' order by digit desc)
         from generate_series(0, 9) digit) || lpad(n::text, 16, '0') as number,
      case when n < 100 and n % 2 = 1 then 'rare' when n % 2 = 0 then 'often' else 'user-' || n % 500 end as user_id,
      case when n % 2 = 0 then $3 else 'spc_' || lpad((1 + n % 50)::text, 26, '0') end as space_id
    from generate_series(1, $2::int) n,
         lateral (select now() - ($2 - n) * interval '150 seconds' as at) a,
         lateral (select (extract(epoch from at) * 1000)::bigint as ms) b`;
  for (const insert of [
    `insert into spaces (tenant_id, id, name, ready_at, deleted_at)
     select $1, 'spc_' || lpad(n::text, 26, '0'), 'Old', at, case when n <= $2 - 100 then at end from made`,
    `insert into audit (tenant_id, id, at, caller, action, space_id, user_id, request_id, seq)
     select $1, 'aud_' || number, at, '{"kind":"system","id":"test"}', case when n < 100 then 'rare' else 'space.join' end, space_id, user_id, 'test', -n
       from made`,
    `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, issued_at, expires_at, session_expires_at)
     select $1, 'grt_' || number, space_id, user_id, user_id, 'stage', 'viewer', '{}',
            case when n in (1, 3) then 'revoked' when n = 5 then 'watched' else 'released' end, at, expires, expires
       from made, lateral (select case when n < 100 then now() + n * interval '1 hour' else at - interval '1 hour' end as expires) e`,
    `insert into bans (tenant_id, id, user_id, space_id, created_by, created_at, lifted_at)
     select $1, 'ban_' || number, user_id, space_id, '{"kind":"apiKey","id":"key"}', at, case when n > 100 then at end from made`,
    `insert into members (tenant_id, space_id, user_id, role) select $1, $3, 'user-' || n, 'viewer' from made`,
  ]) {
    await stagedoor.database.query(`with made as (${made}) ${insert}`, [tenantId, rows, bigSpaceId]);
  }
}

/** Notes what is sent over the connections of this pool from now on. */
function listenTo(pool: pg.Pool): void {
  const known = new WeakSet<object>();
  pool.on('acquire', (client) => {
    if (known.has(client)) return;
    known.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((config: unknown, ...rest: unknown[]) => {
      if (typeof config === 'object' && config !== null && 'text' in config && typeof config.text === 'string') {
        sent.push({
          text: config.text,
          values: (config as { values?: unknown[] }).values ?? (rest[0] as unknown[]) ?? [],
        });
      } else if (typeof config === 'string') sent.push({ text: config, values: Array.isArray(rest[0]) ? rest[0] : [] });
      return query(config, ...rest);
    }) as typeof client.query;
  });
}

/** Rows and index entries that the connection has read since it began. */
const readSoFar = `select coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::integer as read
  from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`;

async function countRead(): Promise<number> {
  const { rows: found } = await connection.query<{ read: number }>(readSoFar);
  return found[0]?.read ?? 0;
}

/** Runs again what the service has sent for a request. Returns the number of rows and index entries that were read. */
async function rowsRead(path: string): Promise<number> {
  sent = [];
  await stagedoor.expect(200, stagedoor.get(path, tenant.key));
  let [read, lists] = [0, 0];
  await connection.query('begin');
  try {
    for (const { text, values } of sent.filter(({ text }) => /^\s*select/i.test(text))) {
      // The service's own work goes over the same connections.
      const isOfList = text.includes('page_of_') || tables.some((table) => text.includes(`"public"."${table}"`));
      const before = isOfList ? await countRead() : 0;
      await connection.query(text, values);
      if (!isOfList) continue;
      lists++;
      read += (await countRead()) - before;
    }
  } finally {
    await connection.query('rollback');
  }
  expect(lists).toBeGreaterThan(0);
  return read;
}

/** Every combination of filters; each list names the values of a filter. */
function combinations(filters: Record<string, string[]>): string[] {
  let found = [''];
  for (const [name, values] of Object.entries(filters)) {
    found = found.flatMap((query) => [query, ...values.map((value) => `${query}&${name}=${value}`)]);
  }
  return found;
}

const users = ['often', 'rare', 'nobody'];
const spaces = [':space', `spc_${'8'.padStart(26, '0')}`];

const lists: [string, Record<string, string[]>][] = [
  [
    '/v1/audit',
    {
      userId: users,
      spaceId: spaces,
      action: ['space.join', 'rare', 'nope'],
      since: [':yesterday', '2100-01-01T00:00:00Z'],
    },
  ],
  ['/v1/grants', { userId: users, spaceId: spaces, state: ['live', 'watched', 'revoked', 'expired'], live: ['true'] }],
  ['/v1/bans', { userId: users, spaceId: spaces, active: ['true', 'false'] }],
  ['/v1/spaces', {}],
  ['/v1/spaces/:space/members', {}],
];

/** Sees to what Postgres knows about the tables. It does not know yet what has just been written. */
const knowledge: [string, () => Promise<unknown>][] = [
  ['before Postgres has statistics', () => Promise.resolve()],
  ['with statistics', () => stagedoor.database.query('analyze')],
];

describe.each(knowledge)('%s', (_when, prepare) => {
  beforeAll(prepare);

  test.each(lists)(
    'a page of %s looks at a bounded number of rows, whatever the filters',
    async (path, filters) => {
      const tooMany: string[] = [];
      const yesterday = new Date(Date.now() - 86_400_000).toISOString();
      for (const query of combinations(filters)) {
        const url = `${path}?limit=20${query}`.replaceAll(':space', spaceId).replace(':yesterday', yesterday);
        const read = await rowsRead(url);
        // The rows of the page are read twice, and a row is read by an entry of an index.
        if (read > rowsLookedAt + 500) tooMany.push(`${url}: ${read} rows`);
      }
      expect(tooMany).toEqual([]);
    },
    600_000,
  );
});

test.each([
  '/v1/audit?userId=often&action=rare&',
  '/v1/grants?userId=often&live=true&',
  '/v1/grants?userId=often&spaceId=:space&state=live&',
  '/v1/bans?userId=often&active=true&',
])('page after page, %s comes to what is old and rare', async (path) => {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? '' : `&cursor=${cursor}`;
    const page = await stagedoor.expect(
      200,
      stagedoor.get(`${path.replace(':space', spaceId)}limit=100${from}`, tenant.key),
    );
    ids.push(...page['data'].map(({ id }: { id: string }) => id));
    cursor = page['nextCursor'];
  } while (cursor !== null);
  expect(ids.length).toBe(new Set(ids).size);
  expect(ids.length).toBe(path.includes('bans') ? 50 : 49);
});
