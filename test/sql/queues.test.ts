/** The queues of background work: what cannot be finished holds up nothing else, and the tenants take turns. */
import { inSeconds, SqlSession } from '../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  for (const tenant of ['ten', 'ten_other']) await sql.insert('tenants', { id: tenant });
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

interface Queue {
  name: string;
  /** Puts one item into the queue. */
  put: (row: { tenant_id: string; id: string }) => Promise<unknown>;
  /** Takes at most two items, as one run of the work does. */
  take: () => Promise<Row[]>;
}

const seen = (rows: Row[]) => rows.map((row) => `${String(row['tenant_id'])} ${String(row['id'] ?? row['action_id'])}`);

const queues: Queue[] = [
  {
    name: 'take_unsettled_spaces: a deletion',
    put: (row) => sql.insert('spaces', { ...row, deleted_at: inSeconds(-100) }),
    take: () => sql.call('take_unsettled_spaces', { olderThan: '0 seconds', limit: 2 }),
  },
  {
    name: 'take_unsettled_spaces: a creation',
    put: (row) => sql.insert('spaces', { ...row, ready_at: null, created_at: inSeconds(-100) }),
    take: () => sql.call('take_unsettled_spaces', { olderThan: '0 seconds', limit: 2 }),
  },
  {
    name: 'take_idle_signing_keys',
    put: (row) => sql.insert('signing_keys', { ...row, state: 'deleting' }),
    take: () => sql.call('take_idle_signing_keys', { olderThan: '0 seconds', expiredFor: '1 minute', limit: 2 }),
  },
  {
    name: 'take_signing_keys_to_compare',
    put: (row) => sql.insert('signing_keys', { ...row, state: 'retiring', created_at: inSeconds(-100) }),
    take: () => sql.call('take_signing_keys_to_compare', { olderThan: '0 seconds', limit: 2 }),
  },
  {
    name: 'take_unfinished_actions',
    put: async ({ tenant_id, id }) => {
      await sql.insert('actions', { tenant_id, id });
      await sql.insert('unfinished_actions', { tenant_id, action_id: id });
    },
    take: () => sql.call('take_unfinished_actions', { limit: 2 }),
  },
];

/** Takes items again and again, and finishes none. Times of attempts have milliseconds, so each run waits for one. */
async function runs(queue: Queue, count: number): Promise<string[][]> {
  const taken: string[][] = [];
  for (let n = 0; n < count; n++) {
    await sql.query('select pg_sleep(0.002)');
    taken.push(seen(await queue.take()));
  }
  return taken;
}

describe.each(queues)('$name', (queue) => {
  test('takes every item in turn, although none can be finished', async () => {
    for (let n = 0; n < 7; n++) await queue.put({ tenant_id: 'ten', id: `item${n}` });
    const taken = (await runs(queue, 4)).flat();
    expect(new Set(taken).size).toBe(7);
  });

  test('takes an item of another tenant in the first run, however many a tenant has', async () => {
    for (let n = 0; n < 7; n++) await queue.put({ tenant_id: 'ten', id: `item${n}` });
    await queue.put({ tenant_id: 'ten_other', id: 'item' });
    const taken = await runs(queue, 3);
    for (const items of taken) expect(items).toContain('ten_other item');
    expect(new Set(taken.flat()).size).toBe(1 + 3);
  });
});

test('every function of background work that takes a part of a queue is here, or takes turns by leases', async () => {
  const rows = await sql.query<{ name: string }>(`
    select p.proname as name
    from pg_proc as p
      join public.function_sets as s on p.pronamespace = to_regnamespace(s.schema_name)
    where 'p_limit' = any (p.proargnames) and pg_get_userbyid(p.proowner) = 'stagedoor_crossing'
    order by 1`);
  const known = new Set([
    ...queues.map(({ name }) => name.replace(/:.*/, '')),
    'bans_without_hold', // goes through the whole table, page by page
    'lease_deliveries', // what is leased is due again after its backoff; due_in_turn lets the tenants take turns
    'lease_webhook_deliveries', // what is leased is due again after its backoff; the tenants take turns
    'lease_stage_looks', // likewise, by stage_looks_in_turn
    'lease_watches', // what is leased is due again after its lease; watches_in_turn lets the tenants take turns
    'number_events', // gives places to events of each tenant in every run
    'seal_audit', // seals the entries of one tenant after the other
    'take_erasures', // what is taken is due again after its lease; the tenants take turns
    'take_tenant_ends', // likewise; there is one for each tenant
    'sweep_idempotency_keys', // deletes the oldest rows, of whomever
  ]);
  expect(rows.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
});
