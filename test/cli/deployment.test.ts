/** What the command line finds out about a deployment: policies, load, the audit chain, the doctor, and events in spite of cuts. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { scopes } from '../../src/http/access.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { CommandLine } from '../support/command-line.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: string;
let cli: CommandLine;

beforeAll(async () => {
  await build();
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = (await stagedoor.createSpace(tenant))['id'] as string;
  await stagedoor.expect(
    200,
    stagedoor.request('PUT', `/v1/spaces/${space}/members/nina`, { as: tenant.key, body: { role: 'host' } }),
  );
  cli = new CommandLine({ STAGEDOOR_URL: stagedoor.url, STAGEDOOR_API_KEY: tenant.key }, 60);
}, 300_000);
afterAll(async () => {
  cli.remove();
  await stagedoor.stop();
});

async function policyOf(text: string): Promise<{ code: number | null; out: string; err: string; json: Json }> {
  writeFileSync(path.join(cli.home, 'policy.yaml'), text);
  return await cli.run(['policy', 'test', 'policy.yaml', '--junit', 'results.xml', '--json'], {
    env: { SPACE: space },
  });
}

describe('policy test', () => {
  it('passes where the service does what the policy says, by the rules of the real issuer, and leaves nothing behind', async () => {
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'mallory', spaceId: space }));
    const ended = await policyOf(`
space: \${SPACE}
issuer: ${tenant.issuer.issuer}
cases:
  - name: a member keeps the role of the membership
    claims: { sub: nina, role: viewer }
    must: { decision: admitted, role: host, from: member, stage: [SUBSCRIBE, PUBLISH], chat: [SEND_MESSAGE] }
  - name: a claimed role counts
    claims: { sub: sam, role: [nothing, speaker] }
    must: { role: speaker, from: claim }
  - name: everybody else watches
    claims: { sub: zoe }
    must: { decision: admitted, role: viewer, from: default }
    mustNot: { stage: [PUBLISH], role: [host, moderator] }
  - name: the banned stay out
    claims: { sub: mallory, role: host }
    must: banned
  - name: a JWT that has expired is refused
    claims: { sub: zoe, iat: 1500000000, exp: 1500000300 }
    must: unauthenticated
  - name: the back end may let in anybody as a guest
    user: guest-1
    role: viewer
    must: { from: request, stage: [SUBSCRIBE] }
`);
    expect([ended.code, ended.err]).toEqual([0, '']);
    expect(ended.json).toMatchObject({ passed: 6, failed: 0 });
    const { body } = await stagedoor.get('/v1/issuers', tenant.key);
    expect((body['data'] as Json[]).map(({ issuer }) => issuer as string)).toEqual([tenant.issuer.issuer]);
    expect(readFileSync(path.join(cli.home, 'results.xml'), 'utf8')).toContain('tests="6" failures="0"');
  });

  it('fails where it does not, with what was found, for people, machines and CI', async () => {
    const ended = await policyOf(`
space: \${SPACE}
cases:
  - { name: "nobody <publishes>", user: nina, mustNot: { stage: [PUBLISH] } }
  - { name: viewers watch, user: zoe, must: admitted }
  - { name: zoe is out, user: zoe, must: { decision: [banned, forbidden] } }
`);
    expect(ended.code).toBe(1);
    expect(ended.json).toMatchObject({ passed: 1, failed: 2 });
    expect(ended.json['cases'].map(({ faults }: Json) => faults)).toEqual([
      ['the token for the stage must not allow PUBLISH'],
      [],
      ['the decision must be banned or forbidden, and is admitted'],
    ]);
    expect(readFileSync(path.join(cli.home, 'results.xml'), 'utf8')).toContain('name="nobody &lt;publishes&gt;"');
    const forPeople = await cli.run(['policy', 'test', 'policy.yaml'], { env: { SPACE: space } });
    expect(forPeople).toMatchObject({ code: 1, err: 'stagedoor: 2 of 3 cases failed.\n' });
    expect(forPeople.out).toMatch(/^✗ nobody <publishes>\n {4}the token for the stage must not allow PUBLISH\n/);
    expect(forPeople.out).toContain('1 passed, 2 failed');
  });

  it.each([
    ['cases: []', /cases:/],
    ['space: x\ncases: [{ name: a, user: b, must: admitted, mustt: x }]', /mustt/],
    ['space: x\ncases: [{ name: a, user: b }]', /must or mustNot/],
    ['cases: [{ name: a, user: b, must: admitted }]', /names no space/],
    ['space: ${NOWHERE}\ncases: []', /NOWHERE, which is not set/],
    ['space: [\n', /not valid YAML/],
  ])('refuses the file %j', async (text, words) => {
    expect(await policyOf(text)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(words) });
  });
});

test('loadtest joins 50 users, bans some, lets no banned user in again, and leaves neither a ban nor a space', async () => {
  const before = (await stagedoor.get('/v1/spaces', tenant.key)).body['data'] as Json[];
  const figures = await cli.json('loadtest', '--users', '50', '--rate', '25', '--bans', '5', '--max-errors', '1');
  const { vends, bans } = figures as { vends: Json; bans: Json };
  const sum = (counts: Json) => Object.values(counts).reduce((all: number, one) => all + Number(one), 0);
  expect(figures['endedBy']).toBe('users');
  expect(vends).toMatchObject({ asked: 50, refused: {}, answered: { count: vends['given'] as number } });
  expect(vends['given'] + sum(vends['errors'] as Json)).toBe(50);
  expect(bans['made'] + sum(bans['errors'] as Json)).toBeGreaterThan(0);
  expect(bans['answered'].count).toBe(bans['made']);
  expect(bans['silent'].count + bans['notSilent']).toBe(bans['made']);
  expect(bans['admittedAfterwards']).toBe(0);
  const left = (await stagedoor.get('/v1/bans?active=true', tenant.key)).body['data'] as Json[];
  expect(left.filter(({ reason }) => reason === 'stagedoor loadtest')).toEqual([]);
  expect((await stagedoor.get('/v1/spaces', tenant.key)).body['data']).toHaveLength(before.length);
  // A vend that was given up on may be in the ledger all the same.
  const query = 'select count(distinct user_id)::int as users from grants where tenant_id = $1 and space_id = $2';
  const [row] = await stagedoor.database.query(query, [tenant.id, figures['space']]);
  expect(row?.['users']).toBeGreaterThanOrEqual(vends['given'] as number);
  if (sum(vends['errors'] as Json) === 0) expect(row?.['users']).toBe(50);
});

test('loadtest counts refusals by their reason, and needs --yes for another machine', async () => {
  const small = (await stagedoor.createSpace(tenant, { capacity: 5 }))['id'] as string;
  const figures = await cli.json(
    'loadtest',
    small,
    '--users',
    '12',
    '--rate',
    '100',
    '--bans',
    '0',
    '--max-errors',
    '1',
  );
  const { vends } = figures as { vends: Json };
  const errors = Object.values(vends['errors'] as Json).reduce((all: number, one) => all + Number(one), 0);
  expect(vends['given'] + (vends['refused']['space_full'] ?? 0) + errors).toBe(12);
  expect(vends['given']).toBeLessThanOrEqual(5);
  if (errors === 0) expect(vends['given']).toBe(5);
  const env = { STAGEDOOR_URL: 'https://stagedoor.example' };
  expect(await cli.run(['loadtest'], { env })).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
});

describe('events --follow', () => {
  it('goes on after a connection that was cut, and tells each event once', async () => {
    const { hostname, port } = new URL(stagedoor.url);
    const proxy = await TcpProxy.start(hostname, Number(port));
    const args = ['events', '--follow', '--type', 'ban.created', '--json', '--patience', '0'];
    const run = cli.start(args, { env: { STAGEDOOR_URL: `http://127.0.0.1:${proxy.port}` } });
    const ban = (userId: string) => stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId }));
    try {
      // It begins with what happens from now on, and cannot say when it has begun.
      let first = 0;
      await until(async () => {
        await ban(`before-${first++}`);
        return run.out.includes('before-');
      }, 'the first event comes');
      proxy.set('refusing');
      await until(() => run.err.includes('Going on as soon as'), 'it notices the cut');
      await ban('meanwhile');
      proxy.set('open');
      await run.prints('"meanwhile"');
      await ban('afterwards');
      await run.prints('"afterwards"');
    } finally {
      run.child.kill('SIGTERM');
      await run.ended;
      await proxy.stop();
    }
    const events = run.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    const ids = events.map(({ id }) => id as string);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(ids.toSorted());
    expect(events.map(({ userId }) => userId as string).slice(-2)).toEqual(['meanwhile', 'afterwards']);
  });
});

describe('audit', () => {
  let head: string;

  it('verify computes the chain that the database has, also of odd texts, and of an exported file', async () => {
    const reason = 'a "quoted" \\ reason, with ünïcode 😀, \u2028 and <tags>';
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'ü"\\😀', reason }));
    await until(async () => (await cli.json('audit', 'verify'))['unsealed'] === 0, 'all entries are in the chain');
    const verdict = await cli.json('audit', 'verify');
    expect(verdict).toMatchObject({ tenantId: tenant.id, from: 1, unsealed: 0 });
    expect(verdict['fault']).toBeUndefined();
    expect(verdict['verified']).toBe(verdict['head'].seq);
    head = `${verdict['head'].seq}:${verdict['head'].hash}`;
    await cli.json('audit', 'export', 'audit.jsonl');
    const ofFile = await cli.json('audit', 'verify', 'audit.jsonl', '--tenant', tenant.id, '--head', head);
    expect(ofFile['verified']).toBeGreaterThanOrEqual(verdict['verified']);
  });

  it('verify finds an entry that was changed, one that is missing, and the end that was cut off', async () => {
    const lines = readFileSync(path.join(cli.home, 'audit.jsonl'), 'utf8').trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as Json).sort((a, b) => b['seq'] - a['seq']);
    const faultOf = async (changed: Json[], ...more: string[]) => {
      writeFileSync(
        path.join(cli.home, 'changed.jsonl'),
        changed.map((entry) => `${JSON.stringify(entry)}\n`).join(''),
      );
      const args = ['audit', 'verify', 'changed.jsonl', '--tenant', tenant.id, '--json', ...more];
      const { code, json } = await cli.run(args);
      return [code, json['fault']];
    };
    const at = entries.length - 4;
    const seq = entries[at]?.['seq'] as number;
    const changed = entries.map((entry, index) => (index === at ? { ...entry, requestId: 'another' } : entry));
    expect(await faultOf(changed)).toEqual([1, { seq, id: entries[at]?.['id'], problem: 'changed' }]);
    expect(await faultOf(entries.filter((_, index) => index !== at))).toEqual([1, { seq, problem: 'missing' }]);
    expect(await faultOf(entries.slice(1))).toEqual([0, undefined]);
    const newest = entries[0] as Json;
    const known = `${newest['seq']}:${newest['hash']}`;
    expect(await faultOf(entries.slice(1), '--head', known)).toEqual([1, { seq: newest['seq'], problem: 'missing' }]);
    // What the API lists in another order than that of the chain is verified, too.
    expect(await faultOf(entries.toReversed())).toEqual([0, undefined]);
    const mixed = entries.map((entry, index) => ({ entry, key: (index * 7) % 11 })).sort((a, b) => a.key - b.key);
    expect(await faultOf(mixed.map(({ entry }) => entry))).toEqual([0, undefined]);
  });

  it('verify notices what somebody has changed in the database', async () => {
    const [row] = await stagedoor.database.query('select id, details from audit where tenant_id = $1 and seq = 3', [
      tenant.id,
    ]);
    const set = (details: unknown) =>
      stagedoor.database.query('update audit set details = $2 where id = $1', [row?.['id'], JSON.stringify(details)]);
    await set({ harmless: true });
    try {
      const { code, json, err } = await cli.run(['audit', 'verify', '--json']);
      expect([code, json['fault']]).toEqual([1, { seq: 3, id: row?.['id'], problem: 'changed' }]);
      expect(JSON.parse(err)).toMatchObject({ error: { code: 'check_failed', exitCode: 1 } });
    } finally {
      await set(row?.['details']);
    }
    expect((await cli.run(['audit', 'verify', '--head', head])).code).toBe(0);
  });
});

test('doctor looks at metrics that the service has', () => {
  const names = readFileSync(path.resolve(import.meta.dirname, '../../cli/src/doctor/service.ts'), 'utf8');
  const looked = [...names.matchAll(/^ {2}(stagedoor_\w+):/gm)].map(([, name]) => name);
  expect(looked).toHaveLength(5);
  const { registry } = stagedoor.app.get(Metrics);
  expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(expect.arrayContaining(looked));
});

test('doctor sees a good deployment, tries IVS, names what a key lacks, and a wrong credential', async () => {
  const outcomes = (answer: Json) =>
    Object.fromEntries((answer['checks'] as Json[]).map(({ check, outcome }) => [check as string, outcome as string]));
  const good = await cli.json('doctor', '--with-space');
  expect(outcomes(good)).toMatchObject({
    answers: 'ok',
    clock: 'ok',
    ready: 'ok',
    version: 'ok',
    'API key': 'ok',
    issuers: 'ok',
    'CreateStage, CreateRoom': 'ok',
    'DeleteStage, DeleteRoom': 'ok',
  });
  const all = (good['checks'] as Json[]).find(({ check }) => check === 'scopes')?.['found'] as string;
  for (const scope of scopes) if (scope !== '*') expect(all).toContain(scope);
  expect(good['notChecked']).toMatch(/backups/);
  expect(outcomes(good)['database role']).toBe('unknown'); // only the operator sees it
  const small = { name: 'small', scopes: ['tokens:vend', 'spaces:read'] };
  const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, small));
  const found = await cli.run(['doctor', '--json'], { env: { STAGEDOOR_API_KEY: key as string } });
  const lacking = (found.json['checks'] as Json[]).find(({ check }) => check === 'scopes')?.['found'] as string;
  expect(lacking).toMatch(
    /^It has spaces:read, tokens:vend\. It lacks spaces:write, roles:write, members:write, moderation:read/,
  );
  const wrong = await cli.run(['doctor', '--json'], { env: { STAGEDOOR_API_KEY: `${tenant.key}x` } });
  expect(wrong.code).toBe(1);
  expect(outcomes(wrong.json)['API key']).toBe('failed');
  expect(wrong.out + wrong.err).not.toContain(tenant.key);
});

describe('doctor, with the operator token', () => {
  const operator = { STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken };
  const doctor = async (...args: string[]) => {
    await stagedoor.database.query(`delete from pacing where operation = 'All for checks'`);
    return await cli.run(['doctor', ...args], { env: operator });
  };

  test('shows the settings, the database and each permission at IVS, each with a verdict and a remedy', async () => {
    const { code, json } = await doctor('--json');
    const found = new Map((json['checks'] as Json[]).map((one) => [one['check'] as string, one]));
    for (const name of ['operator token', 'database role', 'row-level security', 'migrations', 'functions'])
      expect(found.get(name)).toMatchObject({ outcome: 'ok' });
    expect(found.get('JOURNAL_URL')).toMatchObject({ outcome: 'warning', remedy: expect.stringMatching(/restore/) });
    expect([...found.keys()]).toEqual(
      expect.arrayContaining(
        ['ImportPublicKey', 'GetPublicKey', 'ListPublicKeys', 'DeletePublicKey'].map((one) => `ivs:${one}`),
      ),
    );
    expect(code).toBe(0);
  });

  test('says of what has failed what to do, to people too, and looks at the account of a tenant', async () => {
    stagedoor.ivs.fault({ operation: 'ImportPublicKey', effect: { error: 'AccessDeniedException', status: 403 } });
    const { code, out } = await doctor();
    const aws = { roleArn: 'arn:aws:iam::444455556666:role/stagedoor', externalId: 'acme-7f3a' };
    const { id, slug } = await stagedoor.createTenant(undefined, { aws });
    const ofTenant = await doctor('--tenant', slug);
    stagedoor.ivs.clearFaults();
    expect(code).toBe(1);
    expect(out).toMatch(
      /✗ ivs:ImportPublicKey +AWS denies it\. AccessDeniedException: .*\. Allow ivs:ImportPublicKey in the role of the service/,
    );
    expect(ofTenant.out).toMatch(/✗ ivs:ImportPublicKey .*Allow ivs:ImportPublicKey in arn:aws:iam::444455556666:role/);
    expect((await doctor()).out).toContain(`stagedoor doctor --tenant ${slug}`);
    const nobodys = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect((await doctor('--tenant', nobodys)).out).toMatch(/\? IVS permissions +There is no such tenant/);
    await doctor();
    // The service says to come back after 20 seconds. Nobody waits for that.
    expect((await cli.run(['doctor'], { env: operator })).out).toMatch(/\? IVS permissions +This account was checked/);
    for (const text of [out, ofTenant.out]) expect(text).not.toContain(Stagedoor.operatorToken);
  });
});
