/** Every sample of the documentation is run: a sample of a kind that nothing here runs is a failure. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { DETAIL_TYPES } from '../../emulator/src/eventbridge/envelope.ts';
import { ingestHeader } from '../../src/auth/ingest-secret.ts';
import { Problem, type ProblemCode } from '../../src/errors.ts';
import { problemDocument } from '../../src/http/problem.filter.ts';
import { eventsOfTenant } from '../../src/ivs/call-rates.ts';
import { freePort } from '../../dev/ports.mjs';
import { asSuperuser } from '../support/database.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { build } from '../support/shared.ts';
import { CodeSamples, kindsOfCode, requestOfCurl, requestOfPhone } from './code.ts';
import { Provider } from './provider.ts';
import { differences, pages, type Sample, samplesOf } from './samples.ts';

const root = path.resolve(import.meta.dirname, '../..');
const source = globSync('src/**/*.ts', { cwd: root })
  .map((file) => readFileSync(path.join(root, file), 'utf8'))
  .join('\n');

let stagedoor: Stagedoor;
let folder: string;
let provider: Provider;
let code: CodeSamples;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-samples-'));
  code = new CodeSamples();
  await build(); // samples import the client
  [stagedoor, provider] = await Promise.all([Stagedoor.start(), Provider.start()]);
});
afterAll(async () => {
  await stagedoor.stop();
  provider.stop();
  code.remove();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A busy machine makes the service answer 503: then curl comes again, as `Retry-After` says. A machine without curl gets one
 * that does what the samples need.
 */
const commands = `if command -v curl >/dev/null; then curl() { command curl --retry 8 "$@"; }
else curl() { '${process.execPath}' '${path.join(root, 'test/dev/curl.mjs')}' "$@"; }
fi
stagedoor() { '${process.execPath}' '${path.join(root, 'cli/dist/bin.js')}' "$@"; }`;

/** Creates the space of the demo, also on a machine that is too busy for the first calls to IVS. */
async function createSpace(tenant: TestTenant): Promise<Json> {
  const sent = { name: 'Demo', defaultRole: 'viewer' };
  let answer = await stagedoor.post('/v1/spaces', tenant.key, sent);
  await until(async () => {
    if (answer.status === 503) answer = await stagedoor.post('/v1/spaces', tenant.key, sent);
    return answer.status !== 503;
  }, 'IVS makes a space');
  return await stagedoor.expect(201, Promise.resolve(answer));
}

/** A shell whose variables last from sample to sample. It begins with those of the demo (dev/demo.ts). */
class Shell {
  /** What the last sample printed. */
  printed = '';
  variables: Record<string, string> = {};
  private readonly state = path.join(folder, randomBytes(6).toString('hex'));

  static async withDemo(): Promise<Shell> {
    const shell = new Shell();
    const tenant = await stagedoor.createTenant();
    const space = await createSpace(tenant);
    const member = `/v1/spaces/${space['id']}/members/alice`;
    await stagedoor.expect(200, stagedoor.request('PUT', member, { as: tenant.key, body: { role: 'host' } }));
    await until(async () => {
      const { body } = await stagedoor.get('/v1/events?type=member.role_changed', tenant.key);
      return (body['data'] as Json[]).length > 0;
    }, 'what the demo has done is in the log of events');
    shell.variables = {
      STAGEDOOR: stagedoor.url,
      OPERATOR: Stagedoor.operatorToken,
      KEY: tenant.key,
      SPACE: space['id'] as string,
      ALICE: await tenant.issuer.token('alice'),
      BOB: await tenant.issuer.token('bob'),
    };
    writeFileSync(
      shell.state,
      Object.entries(shell.variables)
        .map(([name, value]) => `export ${name}='${value}'\n`)
        .join(''),
    );
    return shell;
  }

  async run(text: string): Promise<void> {
    const script = `set -eu\n${commands}\nexport XDG_CONFIG_HOME='${folder}'\n. '${this.state}'\nset -a\n${text}\nexport -p >'${this.state}'\n`;
    this.printed = (await promisify(execFile)('sh', ['-c', script], { cwd: folder })).stdout;
  }

  /** What the last sample printed, or the last line of it, as JSON. */
  get answer(): Json {
    return this.printed === ''
      ? {}
      : (JSON.parse(this.printed.trimEnd().replaceAll('}{', '}\n{').split('\n').at(-1) ?? '') as Json);
  }
}

/** The problem document of a page is what the service would send, and its `detail` is a text of the service. */
function checkProblem({ at, text }: Sample): void {
  const shown = JSON.parse(text) as { code: ProblemCode; detail: string; requestId: string; errors?: [] } & Json;
  const { until, reason } = shown;
  const extra = { ...(until !== undefined && { until }), ...(reason !== undefined && { reason }) };
  const problem = new Problem(shown.code, shown.detail, { extra, ...(shown.errors && { errors: shown.errors }) });
  expect(shown).toEqual(problemDocument(problem, shown.requestId));
  // A number or a scope in the text is a value of the moment.
  const words = shown.detail.split(/ [\w-]+:[\w-]+\.?| \d+ \w+/).map((part) => part.trim());
  expect([at, words.filter((part) => !source.includes(part))]).toEqual([at, []]);
}

/** The policy is that of README.md, and allows every call that the service makes to IVS. */
function checkPolicy({ text }: Sample): void {
  expect(readFileSync(path.join(root, 'README.md'), 'utf8')).toContain(text);
  const allowed = (JSON.parse(text) as { Statement: { Action: string[] }[] }).Statement.flatMap(({ Action }) => Action);
  const imports = source.matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-ivs[\w-]*'/g);
  const called = [...imports].flatMap(([, names = '']) =>
    [...names.matchAll(/(\w+)Command\b/g)].map(([, name = '']) => name),
  );
  expect(called.length).toBeGreaterThan(10);
  const isAllowed = (call: string) => allowed.some((action) => action.split(':')[1] === call);
  expect(called.filter((call) => !isAllowed(call))).toEqual([]);
}

/** The template lets the events of IVS through, sends the header that the service reads, and gives no more rights than needed. */
function checkTemplate({ text }: Sample): void {
  const { Resources: made } = JSON.parse(text) as { Resources: Record<string, { Type: string; Properties: Json }> };
  const propertiesOf = (type: string) =>
    Object.values(made)
      .filter(({ Type }) => Type === type)
      .map(({ Properties }) => Properties);
  const [rule] = propertiesOf('AWS::Events::Rule');
  expect(rule?.['EventPattern']).toEqual({ source: ['aws.ivs'], 'detail-type': [...DETAIL_TYPES] });
  const [connection] = propertiesOf('AWS::Events::Connection');
  expect(connection?.['AuthParameters'].ApiKeyAuthParameters.ApiKeyName).toBe(ingestHeader);
  const [destination] = propertiesOf('AWS::Events::ApiDestination');
  expect(destination?.['InvocationEndpoint']['Fn::Sub']).toBe('${StagedoorUrl}/ingest/ivs-events');
  expect(destination?.['InvocationRateLimitPerSecond']).toBe(eventsOfTenant.rate);
  const names = new Set([...Object.keys(made), 'StagedoorUrl', 'IvsEventsSecret']);
  const named = [...text.matchAll(/"(?:Ref|Fn::GetAtt)": \[?"(\w+)"/g)].map((match) => match[1] ?? '');
  expect(named.filter((name) => !names.has(name))).toEqual([]);
  const [reads] = propertiesOf('AWS::IAM::ManagedPolicy');
  expect(reads?.['PolicyDocument'].Statement[0].Action).toEqual(['sqs:ReceiveMessage', 'sqs:DeleteMessage']);
}

/** The folders are there, the secrets have what the pods read, and what is waited for is made. */
function checkKubernetes({ text }: Sample): void {
  const folder = path.join(root, 'deploy/kubernetes');
  for (const [, place = ''] of text.matchAll(/ -k (\S+)/g))
    readFileSync(path.join(folder, place, 'kustomization.yaml'));
  const made = ['base/deployment.yaml', 'migrate/job.yaml'].map((file) =>
    readFileSync(path.join(folder, file), 'utf8'),
  );
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const secret = /secret generic (\S+)/.exec(line)?.[1];
    if (secret === undefined) continue;
    const read = made
      .map((file) => load(file) as Json)
      .flatMap(({ spec }) => spec.template.spec.containers[0].env as Json[]);
    const wanted = read.map(({ valueFrom }) => valueFrom.secretKeyRef as Json);
    const needed = wanted.filter(({ name, optional }) => name === secret && !optional).map(({ key }) => String(key));
    expect([...line.matchAll(/--from-literal=(\w+)=/g)].map(([, key]) => key)).toEqual(needed);
  }
  for (const [, kind = '', name] of text.matchAll(/ (job|deployment)\/([\w-]+)/g))
    expect(
      made.some((file) => file.includes(`\n  name: ${name}\n`) && file.toLowerCase().includes(`kind: ${kind}\n`)),
    ).toBe(true);
}

/** The job has the name that the alerts ask for, and the file with the alerts is there. */
function checkScraping({ text }: Sample): void {
  const { scrape_configs: jobs, rule_files: files } = load(text) as { scrape_configs: Json[]; rule_files: string[] };
  const folder = path.join(root, 'deploy/prometheus');
  const [rules = '', ...others] = files.map((file) => readFileSync(path.join(folder, file), 'utf8'));
  expect([jobs.map((job) => rules.includes(`job="${job['job_name']}"`)), others]).toEqual([[true], []]);
}

/** Runs statements in the Postgres of the tests, with names of their own, because others work there too. */
async function runSql(statements: Sample[]): Promise<void> {
  const mark = `docs_${randomBytes(4).toString('hex')}`;
  const own = (text: string) =>
    text.replaceAll(/\bstagedoor_(owner|service)\b|\b(?<=database )stagedoor\b/g, (name) => `${name}_${mark}`);
  await asSuperuser('postgres', async (client) => {
    try {
      for (const { text } of statements)
        for (const statement of text.split(/;\s*$/m)) if (statement.trim()) await client.query(own(statement));
      const made = await client.query("select rolname from pg_roles where rolname like '%' || $1", [mark]);
      expect(made.rows).toHaveLength(2);
    } finally {
      await client.query(`drop database if exists stagedoor_${mark}`);
      await client.query(`drop role if exists stagedoor_service_${mark}`);
      await client.query(`drop role if exists stagedoor_owner_${mark}`);
    }
  });
}

/** Joins the space of the demo, also on a machine that is too busy for the first call. */
async function join(shell: Shell, token: string): Promise<Answer> {
  let answer: Answer | undefined;
  await until(async () => {
    answer = await stagedoor.post(`/v1/spaces/${shell.variables['SPACE']}/join`, token);
    return answer.status !== 503;
  }, 'IVS makes tokens');
  return answer as Answer;
}

/** Runs a sample in TypeScript, and looks at what it does. */
async function runCode(sample: Sample, shell: Shell, secret: string | undefined): Promise<void> {
  const { STAGEDOOR = '', SPACE = '', KEY = '', ALICE = '', BOB = '' } = shell.variables;
  const run = async (token: string) =>
    await code.run(sample, { STAGEDOOR, SPACE, USER_TOKEN: token, LIVE_SECRET: secret ?? '' });
  if (sample.kind === 'ts chat') expect(await run(ALICE)).toBe('You are here as host.\nalice: Hello\n');
  if (sample.kind === 'ts refused') {
    await stagedoor.expect(201, stagedoor.post('/v1/bans', KEY, { userId: 'bob', reason: 'spam' }));
    expect(await run(BOB)).toMatch(/^banned: Ask a moderator to lift the ban. spam\n.+\n$/);
  }
  if (sample.kind === 'tsx sample') {
    // It has tests of its own in a browser, here and in samples/react. Samples that are compiled here run in browser-samples.test.ts.
    expect(readFileSync(path.join(root, 'samples/react/src/App.tsx'), 'utf8')).toContain(sample.text);
  }
  if (sample.kind === 'ts signs') {
    const joined = await join(shell, (await run('')).trim());
    expect([joined.status, joined.body['role']]).toEqual([201, 'host']);
  }
}

/** Runs the receiver of webhooks, and sends it a test event and a forgery. It is that of the README's walk. */
async function runReceiver({ text }: Sample, { variables: { KEY = '' } }: Shell): Promise<void> {
  const file = path.join(root, 'samples/webhooks/receiver.mjs');
  expect(text).toBe(readFileSync(file, 'utf8').trimEnd());
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const { id, secret } = await stagedoor.expect(201, stagedoor.post('/v1/webhooks', KEY, { url }));
  const env = { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret as string };
  const receiver = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  receiver.stdout.setEncoding('utf8').on('data', (part: string) => (printed += part));
  try {
    await until(() => printed.includes('listening'), 'the receiver listens');
    await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/test`, KEY, {}));
    await until(() => printed.includes('webhook.test'), 'the test event arrives');
    const forged = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Date.now() / 1_000),
      'webhook-signature': 'v1,x',
    };
    expect((await fetch(url, { method: 'POST', body: '{}', headers: forged })).status).toBe(401);
  } finally {
    receiver.kill();
  }
}

/** A table whose columns are as narrow as can be. */
function withoutColumns(text: string): string {
  return text.trim().replaceAll(/ {2,}/g, '  ');
}

/** Matches what a page shows; `…` stands for any text. */
function likeText(shown: string): unknown {
  const parts = withoutColumns(shown)
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return expect.stringMatching(new RegExp(`^${parts.join('[^]*')}$`));
}

/** A role trusts the service only with the external id, and lets it tag the sessions. */
function checkTrust({ at, text }: Sample): void {
  const [trust, ...others] = (JSON.parse(text) as { Statement: [Json, ...Json[]] }).Statement;
  expect([at, others, trust['Action']]).toEqual([at, [], ['sts:AssumeRole', 'sts:TagSession']]);
  expect([at, Object.keys(trust['Condition'].StringEquals as Json)]).toEqual([at, ['sts:ExternalId']]);
}

/** Runs the samples of a page, one after the other. */
async function runPage(samples: Sample[]): Promise<void> {
  const shell = samples.some(({ kind }) => /^(sh|ts|js)/.test(kind)) ? await Shell.withDemo() : undefined;
  const secret = samples.map(({ text }) => /"secret": "([^"]+)"/.exec(text)?.[1]).find((one) => one !== undefined);
  let token = '';
  for (const [at, sample] of samples.entries()) {
    const next = samples[at + 1];
    switch (sample.kind) {
      case 'sh': {
        await shell!.run(provider.withKeysHere(sample.text));
        if (next?.kind === 'json') break;
        const failed = 'code' in shell!.answer ? shell!.printed : '';
        expect([sample.at, failed]).toEqual([sample.at, '']);
        break;
      }
      case 'sh cli':
        await shell!.run(sample.text);
        break;
      case 'text printed':
        expect([sample.at, samples[at - 1]?.kind]).toEqual([sample.at, 'sh cli']);
        expect([sample.at, withoutColumns(shell!.printed)]).toEqual([sample.at, likeText(sample.text)]);
        break;
      case 'text':
        break; // what people type elsewhere
      case 'yaml policy':
        writeFileSync(path.join(folder, 'policy.yaml'), `${sample.text}\n`);
        break;
      case 'json':
        expect([sample.at, samples[at - 1]?.kind]).toEqual([sample.at, 'sh']);
        expect([sample.at, differences(JSON.parse(sample.text), shell!.answer)]).toEqual([sample.at, []]);
        break;
      case 'json token':
        token = await provider.sign(JSON.parse(sample.text) as Json, secret);
        break;
      case 'json joined': {
        const joined = await join(shell!, token);
        expect([sample.at, joined.status, joined.text]).toEqual([sample.at, 201, expect.any(String)]);
        expect([sample.at, differences(JSON.parse(sample.text), joined.body)]).toEqual([sample.at, []]);
        break;
      }
      case 'swift':
      case 'kotlin': {
        const curl = samples.slice(0, at).findLast(({ kind }) => kind === 'sh');
        expect([sample.at, requestOfPhone(sample)]).toEqual([sample.at, requestOfCurl(curl?.text ?? '')]);
        break;
      }
      case 'json problem':
        checkProblem(sample);
        break;
      case 'json policy':
        checkPolicy(sample);
        break;
      case 'json trust':
        checkTrust(sample);
        break;
      case 'json template':
        checkTemplate(sample);
        break;
      case 'sh kubernetes':
        checkKubernetes(sample);
        break;
      case 'yaml scrape':
        checkScraping(sample);
        break;
      case 'js receiver':
        await runReceiver(sample, shell!);
        break;
      case 'sql':
        break; // all together, below
      default:
        if (kindsOfCode.includes(sample.kind)) await runCode(sample, shell!, secret);
        else throw new Error(`${sample.at}: nothing runs samples of the kind "${sample.kind}"`);
    }
  }
}

const withSamples = pages().filter((page) => samplesOf(page).length > 0);

test('the pages have samples', () => {
  expect(withSamples).toEqual(
    expect.arrayContaining(['quickstart.md', 'concepts.md', 'moderation.md', 'operations/deploy.md']),
  );
});

test.each(withSamples)('the samples of %s do what the page says', async (page) => {
  await runPage(samplesOf(page));
});

test('the statements for Postgres make the two roles and the database', async () => {
  // In this order a reader meets them: operations/deploy.md makes the roles that operations.md changes.
  await runSql(
    ['operations/deploy.md', 'operations.md'].flatMap((page) => samplesOf(page)).filter(({ kind }) => kind === 'sql'),
  );
  const others = withSamples.filter((page) => !['operations/deploy.md', 'operations.md'].includes(page));
  expect(others.flatMap((page) => samplesOf(page)).filter(({ kind }) => kind === 'sql')).toEqual([]);
});

test('the samples in TypeScript have no wrong types', async () => {
  const samples = withSamples.flatMap((page) => samplesOf(page)).filter(({ kind }) => kindsOfCode.includes(kind));
  expect(samples.length).toBeGreaterThan(2);
  await code.compile(samples);
});
