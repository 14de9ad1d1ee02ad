/** The audit log: each change is in it once, and nobody can change what it says without being found out. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { functionSet } from '../src/database/function-set.ts';
import { type Verdict, verifyAudit } from '../src/audit/verify.ts';
import { build } from './support/shared.ts';
import { Stagedoor, type TestTenant } from './support/stagedoor.ts';

let stagedoor: Stagedoor;
let superuser: pg.Client;
let service: pg.Client;
const clients: pg.Client[] = [];
let ours: TestTenant;
let theirs: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [ours, theirs] = await Promise.all([stagedoor.createTenant('ours'), stagedoor.createTenant('theirs')]);
  for (const tenant of [ours, theirs]) {
    const space = await stagedoor.createSpace(tenant);
    for (const userId of ['ann', 'ben'])
      await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  }
  await stagedoor.stopService(); // nobody writes or seals from here on
  superuser = await connect(stagedoor.database.superuserUrl);
  service = await connect(stagedoor.database.serviceUrl);
  await service.query('select seal_audit(10000)');
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await stagedoor.stop();
});

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, options: `-c search_path=${functionSet.schema},public` });
  await client.connect();
  clients.push(client);
  return client;
}

/** What the verifier says of our tenant after a change by somebody whom nothing holds back. The change is undone. */
async function faultAfter(change: string, values: unknown[] = []): Promise<unknown> {
  await superuser.query('begin');
  try {
    const { rowCount } = await superuser.query(change, values);
    expect(rowCount).toBeGreaterThan(0);
    const { rows } = await superuser.query('select * from verify_audit($1)', [ours.id]);
    return rows[0] as unknown;
  } finally {
    await superuser.query('rollback');
  }
}

async function entryAt(seq: number): Promise<{ id: string; length: number }> {
  const { rows } = await superuser.query<{ id: string; length: number }>(
    `select id, (select count(*)::int from audit where tenant_id = $1) as length from audit where tenant_id = $1 and seq = $2`,
    [ours.id, seq],
  );
  return rows[0] ?? { id: 'none', length: 0 };
}

async function verdicts(): Promise<Verdict[]> {
  const found: Verdict[] = [];
  for await (const verdict of verifyAudit(service)) found.push(verdict);
  return found;
}

test('an untouched log holds, for every tenant', async () => {
  const found = await verdicts();
  expect(found).toHaveLength(2);
  for (const verdict of found) {
    expect(verdict).toMatchObject({ fault: undefined, unsealed: 0, head: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(verdict.sealed).toBeGreaterThan(4);
  }
});

const tampering: Record<string, string> = {
  tenant_id: `'someone'`,
  id: `id || 'x'`,
  at: `at + interval '1 millisecond'`,
  caller: `'{"kind":"apiKey","id":"key_other"}'`,
  action: `'space.delete'`,
  space_id: `'spc_other'`,
  user_id: `'eve'`,
  subject: `coalesce(subject, '') || 'x'`,
  details: `details || '{"role":"host"}'`,
  request_id: `'another'`,
  seq: '1000',
  hash: `sha256('made up')`,
};

test('there is a way to tamper with every column', async () => {
  const { rows } = await superuser.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_schema = 'public' and table_name = 'audit'`,
  );
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(tampering).sort());
});

test.each(Object.entries(tampering))('a changed %s is reported, with the entry it is in', async (column, value) => {
  const { id } = await entryAt(3);
  const fault = await faultAfter(`update audit set ${column} = ${value} where tenant_id = $1 and seq = 3`, [ours.id]);
  const gone = column === 'tenant_id' || column === 'seq';
  expect(fault).toEqual(
    gone
      ? { seq: '3', id: null, problem: 'row missing' }
      : { seq: '3', id: column === 'id' ? `${id}x` : id, problem: 'row changed' },
  );
});

test('a removed entry is reported: the first, or one in the middle', async () => {
  for (const seq of [1, 4]) {
    const fault = await faultAfter('delete from audit where tenant_id = $1 and seq = $2', [ours.id, seq]);
    expect(fault).toEqual({ seq: String(seq), id: null, problem: 'row missing' });
  }
});

test('an entry put in between, or two that changed places, are reported', async () => {
  const inserted = await faultAfter(`update audit set seq = seq + 1000 where tenant_id = $1 and seq > 2`, [ours.id]);
  expect(inserted).toMatchObject({ seq: '3', problem: 'row missing' });
  const swapped = await faultAfter(
    `update audit a set action = b.action, details = b.details, subject = b.subject
       from audit b where a.tenant_id = $1 and b.tenant_id = $1 and (a.seq, b.seq) in ((2, 3), (3, 2))`,
    [ours.id],
  );
  expect(swapped).toMatchObject({ seq: '2', problem: 'row changed' });
});

test('what happens to one tenant’s log says nothing of another’s', async () => {
  await superuser.query('begin');
  await superuser.query(`update audit set action = 'x' where tenant_id = $1`, [theirs.id]);
  const { rows } = await superuser.query('select * from verify_audit($1)', [ours.id]);
  await superuser.query('rollback');
  expect(rows).toEqual([]);
});

test('entries are sealed once, by whoever comes first, and each follows the one before', async () => {
  await superuser.query(
    `insert into audit (tenant_id, id, caller, action, request_id)
     select $1, 'aud_zzz' || n, '{"kind":"system","id":"test"}', 'test', 'test' from generate_series(1000, 1998, 2) n`,
    [ours.id],
  );
  await superuser.query(
    `insert into unsealed_groups (tenant_id, id, vends)
     select $1, min(id), jsonb_agg(jsonb_build_array(id, 'space.join', 'spc', 'ann', 'viewer', 'grt' || n, null, 'test', null))
       from generate_series(1001, 1999, 2) n, lateral (select 'aud_zzz' || n as id) made group by n / 50`,
    [ours.id],
  );
  const others = await Promise.all(Array.from({ length: 4 }, () => connect(stagedoor.database.serviceUrl)));
  let sealed = 0;
  while (sealed < 1000) {
    const counts = await Promise.all(others.map((one) => one.query<{ n: string }>('select seal_audit(100) as n')));
    const now = counts.reduce((sum, { rows }) => sum + Number(rows[0]?.n ?? 0), 0);
    expect(now).toBeGreaterThan(0); // one of them has its turn each time
    sealed += now;
  }
  expect(sealed).toBe(1000);
  const found = await verdicts();
  expect(found.map(({ fault, unsealed }) => ({ fault, unsealed }))).toEqual(
    Array.from({ length: 2 }, () => ({ fault: undefined, unsealed: 0 })),
  );
});

describe('the command', () => {
  beforeAll(build, 300_000);

  const command = path.resolve(import.meta.dirname, '../dist/audit/verify.js');
  const run = async (databaseUrl: string) => {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [command], {
        env: { ...process.env, DATABASE_URL: databaseUrl },
      });
      return { code: 0, stdout, stderr: '' };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };

  test('says of each tenant that its log holds', async () => {
    const { code, stdout } = await run(stagedoor.database.serviceUrl);
    const lines = stdout.trimEnd().split('\n').sort();
    expect(lines).toEqual([
      expect.stringMatching(/^ours \(ten_\w+\): holds, \d+ entries, newest [0-9a-f]{64}$/),
      expect.stringMatching(/^theirs \(ten_\w+\): holds, \d+ entries, newest [0-9a-f]{64}$/),
    ]);
    expect(code).toBe(0);
  });

  test('names the entry where one does not, and ends with 1', async () => {
    const { id } = await entryAt(2);
    await superuser.query(`update audit set user_id = 'eve' where tenant_id = $1 and seq = 2`, [ours.id]);
    const { code, stdout } = await run(stagedoor.database.serviceUrl);
    expect(stdout).toContain(`ours (${ours.id}): BROKEN at entry 2: row changed (${id})`);
    expect(stdout).toContain('theirs');
    expect(code).toBe(1);
  });

  test('says in one line what it lacks', async () => {
    expect(await run('')).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^DATABASE_URL is required[^\n]*\n$/),
    });
  });
});
