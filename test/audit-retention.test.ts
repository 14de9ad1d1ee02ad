/** Old audit entries are deleted, and what is left can still be verified. */
import { execFile } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Verdict, verifyAudit } from '../src/audit/verify.ts';
import { AuditRetention } from '../src/retention/audit-retention.ts';
import { Secrets } from '../src/secrets/secrets.ts';
import { publicHalf } from '../src/secrets/audit-key.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { S3Server } from './support/s3-server.ts';
import { build } from './support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

let bucket: S3Server;
let stagedoor: Stagedoor;
let superuser: pg.Client;
let key: string;

beforeAll(async () => {
  bucket = await S3Server.start();
  stagedoor = await Stagedoor.start({
    AUDIT_RETENTION_DAYS: '40',
    AUDIT_ARCHIVE_URL: 's3://records/audit',
    AUDIT_ARCHIVE_ENDPOINT: bucket.url,
  });
  // The service would make a pass by itself in the middle of a test.
  await stagedoor.app.get(AuditRetention).beforeApplicationShutdown();
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
  key = publicHalf(stagedoor.app.get(Secrets).auditKey);
});

afterAll(async () => {
  await superuser.end();
  await stagedoor.stop();
  await bucket.stop();
});

/** A tenant with entries of 50 days ago, and with what it has done today. */
async function tenantWithPast(entries: number): Promise<TestTenant> {
  const tenant = await stagedoor.createTenant();
  const isSealed = `select from audit where tenant_id = $1 having count(*) filter (where seq is null) = 0`;
  await until(async () => (await superuser.query(isSealed, [tenant.id])).rowCount === 1, 'all is sealed');
  // The past is written before the present, so the chain of the tenant begins anew.
  await superuser.query('begin');
  await superuser.query(
    `create temporary table present on commit drop as select * from audit where tenant_id = '${tenant.id}'`,
  );
  await superuser.query('delete from audit where tenant_id = $1', [tenant.id]);
  await superuser.query('delete from audit_checkpoints where tenant_id = $1', [tenant.id]);
  await superuser.query(
    `insert into audit (tenant_id, id, at, caller, action, request_id)
     select $1, 'aud_0' || lpad(n::text, 6, '0'), now() - interval '50 days', '{"kind":"system","id":"test"}', 'past', 'test'
       from generate_series(1, $2::int) n`,
    [tenant.id, entries],
  );
  await superuser.query(
    `insert into audit (tenant_id, id, at, caller, action, space_id, user_id, subject, details, request_id)
     select tenant_id, id, at, caller, action, space_id, user_id, subject, details, request_id from present`,
  );
  await superuser.query('commit');
  await until(async () => (await superuser.query(isSealed, [tenant.id])).rowCount === 1, 'all is sealed');
  return tenant;
}

async function verdictOf({ id }: TestTenant): Promise<Verdict | undefined> {
  const service = new pg.Client({ connectionString: stagedoor.database.serviceUrl });
  await service.connect();
  try {
    for await (const verdict of verifyAudit(service, key)) if (verdict.tenantId === id) return verdict;
    return undefined;
  } finally {
    await service.end();
  }
}

/** The value of a metric, as Prometheus reads it. @param name with its labels. */
async function metric(name: string): Promise<number> {
  const text = await stagedoor.app.get(Metrics).registry.metrics();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );
}

/** What the verifier says after changes by somebody whom nothing holds back. They are undone afterwards. */
async function faultAfter(tenant: TestTenant, ...changes: string[]): Promise<Verdict['fault']> {
  const tables = ['audit', 'audit_checkpoints'];
  for (const table of tables)
    await superuser.query(`create table kept_${table} as select * from ${table} where tenant_id = '${tenant.id}'`);
  for (const change of changes) expect((await superuser.query(change, [tenant.id])).rowCount).toBeGreaterThan(0);
  const { fault } = (await verdictOf(tenant)) ?? {};
  for (const table of tables) {
    await superuser.query(`delete from ${table} where tenant_id = $1`, [tenant.id]);
    await superuser.query(`insert into ${table} select * from kept_${table}`);
    await superuser.query(`drop table kept_${table}`);
  }
  expect(await verdictOf(tenant)).toMatchObject({ fault: undefined });
  return fault;
}

test('entries go into the bucket before they are deleted, and the rest is verified from a signed cut on', async () => {
  const tenant = await tenantWithPast(5_003);
  const other = await stagedoor.createTenant();
  bucket.failures = 1_000; // nothing goes while the archive takes nothing
  const failures = 'stagedoor_background_failures_total{work="AuditRetention"}';
  const failuresBefore = await metric(failures);
  await stagedoor.app.get(AuditRetention).runWhole();
  expect(await verdictOf(tenant)).toMatchObject({ cut: null, fault: undefined });
  // The run has succeeded. That the archive is away shows: entries are ten days overdue, and more with each day.
  expect(await metric(failures)).toBe(failuresBefore + 1);
  const overdue = await metric('stagedoor_oldest_overdue_audit_entry_seconds');
  expect(overdue / 86_400).toBeCloseTo(10, 1);
  await stagedoor.app.get(AuditRetention).runWhole();
  expect(await metric('stagedoor_oldest_overdue_audit_entry_seconds')).toBeGreaterThan(overdue);
  bucket.failures = 0;
  await stagedoor.app.get(AuditRetention).runWhole();
  expect(await metric('stagedoor_oldest_overdue_audit_entry_seconds')).toBe(0);

  const verdict = await verdictOf(tenant);
  expect(verdict).toMatchObject({ cut: '5003', fault: undefined });
  const { rows } = await superuser.query('select from audit where tenant_id = $1 and action = $2', [tenant.id, 'past']);
  expect(rows).toEqual([]);
  expect(await verdictOf(other)).toMatchObject({ cut: null, fault: undefined });

  const files = [...bucket.objects].filter(([name]) => name.includes(tenant.id));
  expect(files.map(([name]) => name)).toEqual([
    `records/audit/${tenant.id}/000000000001-000000005000.jsonl`,
    `records/audit/${tenant.id}/000000005001-000000005003.jsonl`,
  ]);
  const lines = files.flatMap(([, text]) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json),
  );
  const entries = lines.filter((line) => line['seq'] !== undefined);
  expect(entries.map(({ seq }) => seq as number)).toEqual(Array.from({ length: 5_003 }, (_, at) => at + 1));
  const { checkpoint } = lines.at(-1) ?? {};
  expect(checkpoint).toMatchObject({ kind: 'cut', seq: 5_003, hash: entries.at(-1)?.['hash'] });

  // A tenant sees the signed places, and can check them with nothing but what the document says.
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit/checkpoints?limit=1', tenant.key));
  const [{ kind, seq, hash, at, key: x, signature }] = data;
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const text = JSON.stringify(['stagedoor audit checkpoint', tenant.id, kind, String(seq), hash, at]);
  expect(verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
  expect(x).toBe(key);

  // New entries are chained to the ones that are left.
  await stagedoor.expect(200, stagedoor.request('PATCH', '/v1/settings', { as: tenant.key, body: { reasons: ['x'] } }));
  await until(async () => (await verdictOf(tenant))?.unsealed === 0, 'the change is sealed');
  expect(await verdictOf(tenant)).toMatchObject({ fault: undefined, sealed: (verdict?.sealed ?? 0) + 1 });
});

test('after the cut, what is changed or missing is still found, and so is a cut that the service has not made', async () => {
  const tenant = await tenantWithPast(3);
  await stagedoor.app.get(AuditRetention).runWhole();
  expect(await verdictOf(tenant)).toMatchObject({ cut: '3', fault: undefined });
  const missing = 'row missing';
  expect(
    await faultAfter(tenant, `update audit set action = action || 'x' where tenant_id = $1 and seq = 5`),
  ).toMatchObject({ seq: '5', problem: 'row changed' });
  expect(await faultAfter(tenant, 'delete from audit where tenant_id = $1 and seq = 4')).toMatchObject({
    seq: '4',
    problem: missing,
  });
  expect(await faultAfter(tenant, 'delete from audit_checkpoints where tenant_id = $1 and is_cut')).toMatchObject({
    seq: '3',
    problem: missing,
  });
  // The newest place was signed, so the end of the chain cannot be cut off.
  const newest = '(select max(seq) from audit where tenant_id = $1)';
  expect(await faultAfter(tenant, `delete from audit where tenant_id = $1 and seq = ${newest}`)).toMatchObject({
    problem: missing,
  });
  // Somebody deletes more and moves the cut: they cannot sign it.
  expect(
    await faultAfter(
      tenant,
      `update audit_checkpoints c set seq = a.seq, hash = a.hash from audit a
        where c.tenant_id = $1 and c.is_cut and a.tenant_id = $1 and a.seq = 4`,
      'delete from audit where tenant_id = $1 and seq <= 4',
    ),
  ).toEqual({ seq: '4', id: null, problem: 'the cut is not signed with the key of this deployment' });
  // Or they make a cut of a place that the service has signed as the head.
  const { rows } = await superuser.query<{ seq: string }>(
    'select seq from audit_checkpoints where tenant_id = $1 and not is_cut order by seq desc limit 1',
    [tenant.id],
  );
  const head = rows[0]?.seq;
  await stagedoor.expect(200, stagedoor.request('PATCH', '/v1/settings', { as: tenant.key, body: { reasons: ['x'] } }));
  await until(async () => (await verdictOf(tenant))?.unsealed === 0, 'the change is sealed');
  expect(
    await faultAfter(
      tenant,
      'delete from audit_checkpoints where tenant_id = $1 and is_cut',
      'update audit_checkpoints set is_cut = true where tenant_id = $1',
      `delete from audit where tenant_id = $1 and seq <= ${head}`,
    ),
  ).toMatchObject({ seq: head, problem: 'the cut is not signed with the key of this deployment' });
});

test('a log that was changed from outside shows in a metric until it is as it was written', async () => {
  const tenant = await tenantWithPast(3);
  const pass = () => stagedoor.app.get(AuditRetention).runWhole();
  const change = (from: string, to: string) =>
    superuser.query('update audit set action = $3 where tenant_id = $1 and seq = 2 and action = $2', [
      tenant.id,
      from,
      to,
    ]);
  expect(await metric('stagedoor_broken_audit_chains')).toBe(0);
  await change('past', 'passed');
  // The entries would be signed, and would be deleted. Nothing of that is done, and the tenant counts once.
  await pass();
  expect(await metric('stagedoor_broken_audit_chains')).toBe(1);
  expect((await metric('stagedoor_oldest_overdue_audit_entry_seconds')) / 86_400).toBeCloseTo(10, 1);
  await pass();
  expect(await metric('stagedoor_broken_audit_chains')).toBe(1);
  expect(await verdictOf(tenant)).toMatchObject({ cut: null, fault: { seq: '2', problem: 'row changed' } });
  await change('passed', 'past');
  await pass();
  expect(await metric('stagedoor_broken_audit_chains')).toBe(0);
  expect(await metric('stagedoor_oldest_overdue_audit_entry_seconds')).toBe(0);
  expect(await verdictOf(tenant)).toMatchObject({ cut: '3', fault: undefined });
});

describe('the command that exports', () => {
  beforeAll(build, 300_000);

  const run = async (...args: string[]) =>
    await promisify(execFile)(
      process.execPath,
      [path.resolve(import.meta.dirname, '../dist/audit/export.js'), ...args],
      {
        env: {
          ...process.env,
          DATABASE_URL: stagedoor.database.serviceUrl,
          AUDIT_ARCHIVE_ENDPOINT: bucket.url,
          AWS_REGION: 'us-east-1',
        },
      },
    ).catch((error: unknown) => error as { code: number; stdout: string; stderr: string });

  test('writes JSON Lines to standard output, into a bucket or into a folder', async () => {
    const tenant = await tenantWithPast(2);
    const { sealed } = (await verdictOf(tenant)) ?? { sealed: 0 };
    const { stdout, stderr } = await run('--tenant', tenant.slug, '--after', '1');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(lines.map(({ seq }) => seq as number)).toEqual(Array.from({ length: sealed - 1 }, (_, at) => at + 2));
    expect(lines[0]).toMatchObject({
      tenantId: tenant.id,
      action: 'past',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(stderr).toBe(`${tenant.slug} (${tenant.id}): ${sealed - 1} entries\n`);

    await run('--tenant', tenant.slug, '--to', 's3://copies');
    const name = (from: number) =>
      `${tenant.id}/${String(from).padStart(12, '0')}-${String(sealed).padStart(12, '0')}.jsonl`;
    expect(bucket.objects.get(`copies/${name(1)}`)?.split('\n')).toHaveLength(sealed + 1);

    const folder = mkdtempSync(path.join(tmpdir(), 'audit-'));
    try {
      await run('--tenant', tenant.slug, '--to', pathToFileURL(folder).href, '--after', '1');
      expect(readFileSync(path.join(folder, name(2)), 'utf8')).toBe(stdout);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    [['--tenant', 'nobody'], 'There is no tenant with the slug nobody.'],
    [['--to', '/var/audit'], '--to is a folder, such as file:///var/lib/audit'],
    [['--after', 'x'], '--after is a place'],
    [['--all'], "Unknown option '--all'"],
  ])('%p is refused', async (args, words) => {
    expect(await run(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
  });
});
