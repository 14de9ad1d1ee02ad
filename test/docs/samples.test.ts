/** Every sample of the documentation is run: a sample of a kind that nothing here runs is a failure. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Problem, type ProblemCode } from '../../src/errors.ts';
import { problemDocument } from '../../src/http/problem.filter.ts';
import { asSuperuser } from '../support/database.ts';
import { type Json, Stagedoor } from '../support/stagedoor.ts';
import { differences, pages, type Sample, samplesOf } from './samples.ts';

const root = path.resolve(import.meta.dirname, '../..');
const source = globSync('src/**/*.ts', { cwd: root })
  .map((file) => readFileSync(path.join(root, file), 'utf8'))
  .join('\n');

let stagedoor: Stagedoor;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-samples-'));
  stagedoor = await Stagedoor.start();
});
afterAll(async () => {
  await stagedoor.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A machine without curl gets one that does what the samples need. */
const curl = `command -v curl >/dev/null || curl() { '${process.execPath}' '${path.join(root, 'test/dev/curl.mjs')}' "$@"; }`;

/** A shell whose variables last from sample to sample. It begins with those of the demo (dev/demo.ts). */
class Shell {
  /** What the last sample printed. */
  printed = '';
  private readonly state = path.join(folder, randomBytes(6).toString('hex'));

  static async withDemo(): Promise<Shell> {
    const shell = new Shell();
    const tenant = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(tenant, { name: 'Demo' });
    const member = `/v1/spaces/${space['id']}/members/alice`;
    await stagedoor.expect(200, stagedoor.request('PUT', member, { as: tenant.key, body: { role: 'host' } }));
    const variables = {
      STAGEDOOR: stagedoor.url,
      OPERATOR: Stagedoor.operatorToken,
      KEY: tenant.key,
      SPACE: space['id'] as string,
      ALICE: await tenant.issuer.token('alice'),
      BOB: await tenant.issuer.token('bob'),
    };
    writeFileSync(
      shell.state,
      Object.entries(variables)
        .map(([name, value]) => `export ${name}='${value}'\n`)
        .join(''),
    );
    return shell;
  }

  async run(text: string): Promise<void> {
    const script = `set -eu\n${curl}\n. '${this.state}'\nset -a\n${text}\nexport -p >'${this.state}'\n`;
    this.printed = (await promisify(execFile)('sh', ['-c', script], { cwd: folder })).stdout;
  }

  /** What the last sample printed, or the last line of it, as JSON. */
  get answer(): Json {
    return this.printed === ''
      ? {}
      : (JSON.parse(this.printed.replaceAll('}{', '}\n{').split('\n').at(-1) ?? '') as Json);
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

/** The policy is that of README.md, and allows every call that the service makes. */
function checkPolicy({ text }: Sample): void {
  expect(readFileSync(path.join(root, 'README.md'), 'utf8')).toContain(text);
  const allowed = (JSON.parse(text) as { Statement: { Action: string[] }[] }).Statement.flatMap(({ Action }) => Action);
  const called = [...source.matchAll(/new (\w+)Command\(/g)].map((match) => match[1] ?? '');
  expect(called.length).toBeGreaterThan(10);
  const isAllowed = (call: string) => allowed.some((action) => action.split(':')[1] === call);
  expect(called.filter((call) => !isAllowed(call))).toEqual([]);
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

/** Runs the samples of a page, one after the other. */
async function runPage(samples: Sample[]): Promise<void> {
  const shell = samples.some(({ kind }) => kind === 'sh') ? await Shell.withDemo() : undefined;
  for (const [at, sample] of samples.entries()) {
    const next = samples[at + 1];
    switch (sample.kind) {
      case 'sh': {
        await shell!.run(sample.text);
        if (next?.kind === 'json') break;
        const failed = 'code' in shell!.answer ? shell!.printed : '';
        expect([sample.at, failed]).toEqual([sample.at, '']);
        break;
      }
      case 'json':
        expect([sample.at, samples[at - 1]?.kind]).toEqual([sample.at, 'sh']);
        expect([sample.at, differences(JSON.parse(sample.text), shell!.answer)]).toEqual([sample.at, []]);
        break;
      case 'json problem':
        checkProblem(sample);
        break;
      case 'json policy':
        checkPolicy(sample);
        break;
      case 'sql':
        break; // all together, below
      default:
        throw new Error(`${sample.at}: nothing runs samples of the kind "${sample.kind}"`);
    }
  }
}

const withSamples = pages().filter((page) => samplesOf(page).length > 0);

test('the pages have samples', () => {
  expect(withSamples).toEqual(expect.arrayContaining(['quickstart.md', 'concepts.md', 'moderation.md', 'deploy.md']));
});

test.each(withSamples)('the samples of %s do what the page says', async (page) => {
  await runPage(samplesOf(page));
});

test('the statements for Postgres make the two roles and the database', async () => {
  // In this order a reader meets them: deploy.md makes the roles that operations.md changes.
  await runSql(['deploy.md', 'operations.md'].flatMap((page) => samplesOf(page)).filter(({ kind }) => kind === 'sql'));
  const others = withSamples.filter((page) => !['deploy.md', 'operations.md'].includes(page));
  expect(others.flatMap((page) => samplesOf(page)).filter(({ kind }) => kind === 'sql')).toEqual([]);
});
