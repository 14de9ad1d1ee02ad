/** What people do with the command line, at a real service: the walk of the README, and every example of the help. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { CommandLine } from '../support/command-line.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

/** Seconds in which a busy machine answers for certain. */
const patience = 60;

let stagedoor: Stagedoor;
beforeAll(async () => {
  await build();
  stagedoor = await Stagedoor.start({ PRESENCE_LOOK_SECONDS: '60' });
}, 300_000);
afterAll(async () => {
  await stagedoor.stop();
});

test('the walk of the README by the command line alone, from a tenant to a lifted ban', async () => {
  const cli = new CommandLine(
    { STAGEDOOR_URL: stagedoor.url, STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken },
    patience,
  );
  const issuer = (await stagedoor.createTenant()).issuer; // its key signs for the tenant below too
  try {
    const tenant = await cli.json('tenant', 'create', 'walk', '--name', 'Walk');
    const key = (
      await cli.run(['tenant', 'key', 'walk', '--name', 'admin', '--scope', '*', '--field', 'key'])
    ).out.trim();
    expect(key).toMatch(/^sk_walk_/);
    await cli.run(['profile', 'add', 'walk', '--url', stagedoor.url, '--api-key-stdin'], { input: key });
    cli.env = {}; // from here on, the profile says which service and which key

    writeFileSync(path.join(cli.home, 'issuer.json'), JSON.stringify(issuer.registration()));
    const registered = await cli.json('issuer', 'create', '--from', 'issuer.json');
    expect(registered).toMatchObject({ id: expect.stringMatching(/^iss_/), keys: { usable: 1 } });
    const space = await cli.json('space', 'create', 'Demo', '--default-role', 'viewer');
    const at = space['id'] as string;
    await cli.json('member', 'set', at, 'alice', 'host');

    const alice = await issuer.token('alice');
    const joined = await cli.run(['join', at, '--token-stdin', '--json'], { input: alice });
    expect(joined.json).toMatchObject({ userId: 'alice', role: 'host', stage: { mint: 'ivs' } });
    const bob = await issuer.token('bob');
    const forPeople = await cli.run(['join', at], { env: { STAGEDOOR_USER_TOKEN: bob } });
    expect(forPeople.out).toMatch(/^role +viewer$/m);
    expect(forPeople.out).not.toMatch(/eyJ/);

    const why = await cli.run(['why', at, '--token-stdin'], { input: bob });
    expect(why.out).toMatch(/^bob can join as viewer\.$[\s\S]*✓ role +The role is viewer, the default role/m);
    const live = (await cli.json('grants', '--space', at, '--live')) as Json[];
    expect(new Set(live.map(({ userId }) => userId as string))).toEqual(new Set(['alice', 'bob']));
    await cli.json('signing-key', 'create');
    expect((await cli.run(['join', at, '--user', 'carol', '--field', 'stage.mint'])).out).toBe('key-pair\n');

    await using receiver = await WebhookReceiver.start();
    const webhook = await cli.json('webhook', 'create', receiver.url, '--type', 'ban.created', '--ordered');
    expect(webhook).toMatchObject({ secret: expect.stringMatching(/^whsec_/), types: ['ban.created'] });
    const { ban, action } = await cli.json('ban', 'bob', '--reason', 'spam');
    expect(ban).toMatchObject({ userId: 'bob', reason: 'spam', state: 'active' });
    await until(() => receiver.received.length > 0, 'the webhook tells of the ban');
    const over = await cli.json('action', action.id as string, '--wait');
    expect(over['silencedAt']).toBeDefined();
    expect((await cli.run(['who', at, '--all', '--field', 'userId'])).out).toContain('alice');

    const refused = await cli.run(['join', at], { env: { STAGEDOOR_USER_TOKEN: bob } });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(
      /^stagedoor: The user is banned \(banned\), status 403\n[\s\S]*The reason: spam\n[\s\S]*Request /,
    );
    const asJson = await cli.run(['join', at, '--json'], { env: { STAGEDOOR_USER_TOKEN: bob } });
    expect(JSON.parse(asJson.err)).toMatchObject({
      error: { code: 'banned', status: 403, reason: 'spam', exitCode: 1 },
    });
    expect((await cli.run(['bans', '--active', '--field', 'id'])).out).toBe(`${ban.id}\n`);
    expect(await cli.json('lift', ban.id as string)).toMatchObject({ state: 'lifted' });
    expect((await cli.run(['join', at], { env: { STAGEDOOR_USER_TOKEN: bob } })).code).toBe(0);

    await cli.json('freeze', at);
    expect((await cli.run(['join', at, '--user', 'dave'])).err).toContain('space_closed');
    await cli.json('unfreeze', at);
    await until(
      async () => ((await cli.json('events', '--type', 'space.unfrozen')) as Json[]).length === 1,
      'the log of events tells of the end of the freeze',
    );
    const wrong = await cli.run(['space', 'create', '', '--capacity', '0']);
    expect(wrong.code).toBe(2);
    const invalid = await cli.run(['space', 'create', '']);
    expect(invalid).toMatchObject({ code: 1, err: expect.stringMatching(/invalid_request[\s\S]*- name: /) });
    cli.env = { STAGEDOOR_URL: stagedoor.url, STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken };
    expect(await cli.json('tenant', 'suspend', tenant['id'] as string, '--yes')).toMatchObject({ status: 'suspended' });
    expect(await cli.json('tenant', 'resume', 'walk')).toMatchObject({ status: 'active' });
    const set = (...changes: string[]) => cli.json('tenant', 'set', 'walk', ...changes);
    const numbers = ['--quota', 'spaces=7', '--quota', 'roles=9', '--limit', 'vendsPerMinute=600', '--weight', '3'];
    expect(await set(...numbers, '--ivs-user-ids', 'pseudonym')).toMatchObject({
      name: 'Walk',
      quotas: { spaces: 7, roles: 9 },
      limits: { vendsPerMinute: 600 },
      weight: 3,
      ivsUserIds: 'pseudonym',
    });
    expect(await set('--quota', 'spaces=default', '--name', 'Walked')).toMatchObject({
      name: 'Walked',
      quotas: { spaces: tenant['quotas'].spaces, roles: 9 },
    });
  } finally {
    cli.remove();
  }
}, 900_000);

describe('the help', () => {
  let commands: { name: string; help: string }[];
  beforeAll(async () => {
    const { createProgram } = (await import('../../cli/src/program.ts')) as { createProgram(): Command };
    commands = leavesOf(createProgram(), '').map(({ name, command }) => ({ name, help: helpOf(command) }));
  });

  it('of every command says what it does, which options it takes, and shows an example', () => {
    expect(commands.length).toBeGreaterThan(50);
    for (const { name, help } of commands) {
      expect([name, help]).toEqual([name, expect.stringMatching(/^Usage: stagedoor [\s\S]*\n\n\S.*\.\n/)]);
      expect([name, help]).toEqual([name, expect.stringMatching(/--json[\s\S]*\nExamples?:\n {2}\$ /)]);
    }
  });

  it('says what has to be given, and that a tenant is named by its id or its slug', () => {
    const of = (name: string) => commands.find((one) => one.name === `stagedoor ${name}`)?.help.replaceAll(/\s+/g, ' ');
    for (const name of ['key create', 'tenant key']) {
      expect(of(name)).toMatch(/--name <name> required: /);
      expect(of(name)).toMatch(/--scope <scope\.\.\.> required: /);
    }
    expect(of('issuer create')).toMatch(/--audience <text> required without --from: /);
    const ofTenants = commands.filter(({ help }) => /^Usage: .* <tenant>/.test(help));
    expect(ofTenants.length).toBeGreaterThan(5);
    for (const { name, help } of ofTenants)
      expect([name, help.replaceAll(/\s+/g, ' ')]).toEqual([name, expect.stringContaining('by its id or its slug')]);
  });

  it('shows examples that work', async () => {
    const examples = commands.flatMap(({ help }) =>
      [...help.matchAll(/^ {2}\$ (.+)$/gm)].map((match) => match[1] ?? ''),
    );
    expect(examples.length).toBeGreaterThan(60);
    const failures: string[] = [];
    const next = examples.values();
    const worker = async () => {
      for (const example of next) {
        const { code, err } = await runExample(example);
        if (code !== 0) failures.push(`${example}: ${code}: ${err}`);
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(failures).toEqual([]);
  }, 900_000);
});

function leavesOf(command: Command, parent: string): { name: string; command: Command }[] {
  const name = `${parent} ${command.name()}`.trim();
  if (command.name().startsWith('comple')) return []; // what shells load has tests of its own
  return command.commands.length === 0 ? [{ name, command }] : command.commands.flatMap((one) => leavesOf(one, name));
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHasColors: () => false });
  command.outputHelp();
  return text;
}

/** Runs an example with a tenant of its own, in which there is what the example names. */
async function runExample(example: string): Promise<{ code: number | null; err: string }> {
  const tenant = await stagedoor.createTenant();
  const made = async (route: string, body: unknown = {}): Promise<Json> => {
    let answer = await stagedoor.post(route, tenant.key, body);
    await until(async () => {
      if (answer.status === 503 || answer.status === 409) answer = await stagedoor.post(route, tenant.key, body);
      return answer.status < 300;
    }, `${route} makes something: ${answer.text}`);
    return answer.body;
  };
  await using receiver = await WebhookReceiver.start();
  const space = await stagedoor.createSpace(tenant);
  const alice = `/v1/spaces/${space['id']}/members/alice`;
  await stagedoor.expect(200, stagedoor.request('PUT', alice, { as: tenant.key, body: { role: 'host' } }));
  if (example.includes('tenant end')) {
    const path = `/v1/tenants/${tenant.id}`;
    const as = Stagedoor.operatorToken;
    await stagedoor.expect(200, stagedoor.request('PATCH', path, { as, body: { status: 'suspended' } }));
    if (example.includes('ending')) await stagedoor.expect(202, stagedoor.request('DELETE', path, { as }));
  }
  if (example.includes('unfreeze')) await made(`/v1/spaces/${space['id']}/freeze`);
  const cli = new CommandLine(
    {
      STAGEDOOR_URL: stagedoor.url,
      STAGEDOOR_API_KEY: tenant.key,
      STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken,
    },
    patience,
  );
  const webhook = async () => (await made('/v1/webhooks', { url: receiver.url }))['id'] as string;
  const consoleIssuer = async () =>
    (await made('/v1/console-issuers', { name: 'Staff', issuer: 'https://login.example.com/', clientId: tenant.slug }))[
      'id'
    ] as string;
  const things: Record<string, () => Promise<string> | string> = {
    STAGEDOOR: () => stagedoor.url,
    KEY: () => tenant.key,
    ALICE: () => tenant.issuer.token('alice'),
    BOB: () => tenant.issuer.token('bob'),
    SPACE: () => space['id'] as string,
    TENANT: () => tenant.slug,
    ERASURE: async () => {
      const erase = stagedoor.request('DELETE', '/v1/users/bob/data', { as: tenant.key });
      return (await stagedoor.expect(202, erase))['id'] as string;
    },
    RECEIVER: () => receiver.url,
    SHARED_SECRET: () => 'a shared secret of at least thirty-two random bytes',
    PROFILE: () => 'live',
    KEY_ID: async () => (await made('/v1/api-keys', { name: 'k', scopes: ['spaces:read'] }))['id'] as string,
    SIGNING_KEY: async () => (await made('/v1/signing-keys'))['id'] as string,
    ISSUER: async () => ((await stagedoor.get('/v1/issuers', tenant.key)).body['data'] as Json[])[0]?.['id'] as string,
    BAN: async () => (await made('/v1/bans', { userId: 'bob' }))['ban'].id as string,
    ACTION: async () => (await made('/v1/bans', { userId: 'bob' }))['action'].id as string,
    GRANT: async () => (await made(`/v1/spaces/${space['id']}/join`, { userId: 'bob' }))['stage'].grantId as string,
    WEBHOOK: webhook,
    NOTE: async () => (await made('/v1/users/bob/notes', { text: 'Was warned twice' }))['id'] as string,
    CONSOLE_ISSUER: consoleIssuer,
    PERSON: async () => {
      const body = { issuerId: await consoleIssuer(), role: 'viewer' };
      await stagedoor.expect(200, stagedoor.request('PUT', '/v1/console-users/ann', { as: tenant.key, body }));
      return 'ann';
    },
    ROLE: async () => {
      await stagedoor.request('PUT', '/v1/roles/guest', { as: tenant.key, body: {} });
      return 'guest';
    },
  };
  const env: Record<string, string> = {};
  for (const [, name = ''] of example.matchAll(/\$(\w+)/g)) env[name] ??= (await things[name]?.()) ?? '';
  if (env['SESSION'] !== undefined) Object.assign(env, await sessionIn(space, tenant.key));
  if (env['DELIVERY'] !== undefined) {
    receiver.answer = (_request, response) => response.writeHead(500).end();
    env['DELIVERY'] = (await made(`/v1/webhooks/${env['WEBHOOK']}/test`))['id'] as string;
  }
  mkdirSync(path.join(cli.home, 'stagedoor'), { mode: 0o700 });
  const profiles = { profiles: { live: { url: stagedoor.url, apiKey: tenant.key } } };
  writeFileSync(path.join(cli.home, 'stagedoor', 'profiles.json'), JSON.stringify(profiles), { mode: 0o600 });
  writeFileSync(
    path.join(cli.home, 'policy.yaml'),
    `space: ${space['id']}\ncases: [{ name: all, user: bob, must: admitted }]\n`,
  );
  if (example.includes('audit verify')) {
    await until(async () => {
      const rowsOf = async (list: string) => (await stagedoor.get(`/v1/${list}`, tenant.key)).body['data'] as Json[];
      const isSealed = (await rowsOf('audit')).every(({ seq }) => seq !== null);
      return isSealed && (await rowsOf('events')).length > 0;
    }, 'the audit log of the tenant is sealed');
  }
  try {
    return await cli.example(example, env);
  } finally {
    const keys = (await stagedoor.get('/v1/signing-keys', tenant.key)).body['data'] as Json[] | undefined;
    for (const { id } of keys ?? []) await stagedoor.request('DELETE', `/v1/signing-keys/${id}`, { as: tenant.key });
    cli.remove();
  }
}

/** Somebody comes to the stage of a space. Returns the session and who is there, as the service knows them then. */
async function sessionIn(space: Json, key: string): Promise<{ SESSION: string; PARTICIPANT: string }> {
  const asked = stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, key, { userId: 'bob' });
  const { participantId } = stagedoor.ivs.join((await stagedoor.expect(201, asked))['token']);
  let session: Json | undefined;
  await until(async () => {
    // Nobody waits for the next look: it is due now.
    await stagedoor.database.query(`update stage_looks set next_at = now() where space_id = $1 and next_at > now()`, [
      space['id'],
    ]);
    [session] = (await stagedoor.get(`/v1/spaces/${space['id']}/sessions`, key)).body['data'] as Json[];
    return session !== undefined;
  }, 'a look finds the session');
  return { SESSION: session?.['sessionId'] as string, PARTICIPANT: participantId };
}
