/** The command line by itself: its help, its errors and exit codes, its profiles, and how it behaves in a pipe. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { CommandLine } from '../support/command-line.ts';
import { freePort } from '../support/service-process.ts';
import { build } from '../support/shared.ts';
import { until } from '../support/until.ts';

const key = 'sk_acme_0123456789abcdefghijklmnopqrstuvwxyz_abc123';
let cli: CommandLine;

beforeAll(build, 300_000);
beforeEach(() => {
  cli = new CommandLine();
});
afterEach(() => cli.remove());

function profilesFile(): string {
  return path.join(cli.home, 'stagedoor', 'profiles.json');
}

describe('profiles', () => {
  it('are kept where only their owner can read them, and the first one counts', async () => {
    const add = ['profile', 'add', 'live', '--url', 'https://stagedoor.example/', '--api-key-stdin'];
    expect(await cli.run(add, { input: `${key}\n` })).toMatchObject({ code: 0, err: '' });
    expect(statSync(profilesFile()).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(profilesFile())).mode & 0o777).toBe(0o700);
    const env = { STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789' };
    await cli.run(['profile', 'add', 'ops', '--url', 'http://127.0.0.1:3000'], { env });
    const listed = await cli.run(['profile', 'list', '--json']);
    expect(listed.json).toEqual([
      { name: 'live', current: true, url: 'https://stagedoor.example', apiKey: true, operatorToken: false },
      { name: 'ops', current: false, url: 'http://127.0.0.1:3000', apiKey: false, operatorToken: true },
    ]);
    expect((await cli.run(['profile', 'use', 'ops'])).code).toBe(0);
    expect((await cli.run(['profile', 'list', '--field', 'current'])).out).toBe('false\ntrue\n');
    expect(await cli.run(['profile', 'remove', 'ops'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    });
    expect((await cli.run(['profile', 'remove', 'ops', '--yes'])).code).toBe(0);
    expect(readFileSync(profilesFile(), 'utf8')).not.toContain('operator-token');
    expect(statSync(profilesFile()).mode & 0o777).toBe(0o600);
  });

  it('that others can read are closed, and damaged ones are not shown', async () => {
    await cli.run(['profile', 'add', 'live', '--url', 'https://a.example', '--api-key-stdin'], { input: key });
    chmodSync(profilesFile(), 0o644);
    expect((await cli.run(['profile', 'list'])).err).toContain('It is now yours alone');
    expect(statSync(profilesFile()).mode & 0o777).toBe(0o600);
    writeFileSync(profilesFile(), `{ "profiles": { "live": { "apiKey": "${key}", `);
    const damaged = await cli.run(['space', 'list']);
    expect(damaged.code).toBe(2);
    expect(damaged.err).toMatch(/is damaged/);
    expect(damaged.err).not.toContain(key);
  });

  it.each([
    [['profile', 'add', 'x', '--url', 'ftp://a'], /must be a URL/],
    [['profile', 'add', 'x', '--url', 'https://me:secret@a.example'], /no name and no password/],
    [['profile', 'add', 'a b', '--url', 'https://a.example'], /letters, digits/],
    [['profile', 'add', 'x', '--url', 'https://a.example'], /--api-key-stdin/],
    [['profile', 'use', 'x'], /There is no profile x/],
    [['space', 'list', '--profile', 'x'], /There is no profile x/],
  ])('%j is refused in words', async (args, words) => {
    expect(await cli.run(args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(words) });
  });
});

describe('exit codes', () => {
  it.each<[string[], RegExp]>([
    [['spaces'], /unknown command 'spaces'[\s\S]*Did you mean space/],
    [['space', 'list', '--lim', '3'], /unknown option '--lim'/],
    [['space', 'list', '--limit', '0'], /whole number: 1 or more/],
    [['ban', 'bob', '--for', 'soon'], /90s, 10m, 2h or 7d/],
    [['join', 'spc_x'], /No service|--user/],
    [['space', 'delete', 'spc_x'], /add --yes/],
    [['space', 'list'], /STAGEDOOR_URL/],
    [['policy', 'test', 'nowhere.yaml'], /STAGEDOOR_URL/],
  ])('2: %j', async (args, words) => {
    expect(await cli.run(args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(words) });
  });

  it('3: nothing listens, with the reason, also as JSON', async () => {
    cli.env = { STAGEDOOR_URL: `http://127.0.0.1:${await freePort()}`, STAGEDOOR_API_KEY: key };
    const refused = await cli.run(['space', 'list', '--patience', '0']);
    expect(refused).toMatchObject({ code: 3, out: '', err: expect.stringContaining('nothing listens there') });
    const asJson = await cli.run(['space', 'list', '--patience', '0', '--json']);
    expect(JSON.parse(asJson.err)).toMatchObject({ error: { code: 'network', exitCode: 3 } });
    expect((await cli.run(['doctor', '--json'])).json['checks']).toContainEqual(
      expect.objectContaining({ check: 'answers', outcome: 'failed' }),
    );
  });

  it.each([
    ['is no Stagedoor', 200, '<html>Welcome</html>', /no Stagedoor/],
    ['is a proxy without a replica', 503, '<html>No server is available</html>', /no replica that is ready/],
  ])('3: what answers %s', async (_what, status, page, told) => {
    const server = http.createServer((_request, response) => response.writeHead(status).end(page));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      cli.env = { STAGEDOOR_URL: url, STAGEDOOR_API_KEY: key };
      expect((await cli.run(['doctor', '--patience', '0'])).out).toMatch(told);
    } finally {
      server.close();
    }
  });
});

describe('secrets', () => {
  it('that stand on the command line by mistake are in no message', async () => {
    const wrong = await cli.run(['space', 'list', `--api-key=${key}`]);
    expect(wrong).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("unknown option '--api-key=[secret]'"),
    });
    expect(wrong.err).not.toContain('0123456789');
    const asJson = await cli.run(['space', 'list', `--api-key=${key}`, '--json']);
    expect(asJson.err).not.toContain('0123456789');
  });

  it('that cannot be one are refused without being shown', async () => {
    cli.env = { STAGEDOOR_URL: 'http://127.0.0.1:1', STAGEDOOR_API_KEY: `${key}\nx-other: header` };
    const refused = await cli.run(['space', 'list']);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('characters that none has') });
    expect(refused.err).not.toContain('0123456789');
  });

  it('of a profile are not sent to an address of the environment', async () => {
    await cli.run(['profile', 'add', 'live', '--url', 'https://a.example', '--api-key-stdin'], { input: key });
    const elsewhere = await cli.run(['space', 'list'], { env: { STAGEDOOR_URL: 'http://127.0.0.1:1' } });
    expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining('the environment has none') });
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('has a script for %s, which the shell accepts', async (shell) => {
    const { code, out } = await cli.run(['completion', shell]);
    expect([code, out]).toEqual([0, expect.stringContaining('stagedoor complete -- ')]);
    const file = path.join(cli.home, `completion.${shell}`);
    writeFileSync(file, out);
    if (spawnSync(shell, ['--version']).error) return; // this machine has no such shell
    expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it('knows commands, options and profiles, also behind options', async () => {
    await cli.run(['profile', 'add', 'live', '--url', 'https://a.example', '--api-key-stdin'], { input: key });
    const words = async (...typed: string[]) =>
      (await cli.run(['complete', '--', ...typed])).out.split('\n').flatMap((line) => line.split('\t').slice(0, 1));
    expect(await words('sp')).toEqual(['space', '']);
    expect(await words('space', '')).toEqual(expect.arrayContaining(['create', 'list', 'delete']));
    expect(await words('ban', 'bob', '--re')).toEqual(['--reason', '']);
    expect(await words('space', '--json', 'list', '--profile', '')).toEqual(['live', '']);
    expect(await words('profile', 'use', 'l')).toEqual(['live', '']);
    expect(await words('completion', 'z')).toEqual(['zsh', '']);
    expect(await words('join', 'spc_x', '--user', 'b')).toEqual(['']);
  });

  it('works in bash, without another package', async () => {
    const typed = ['space list --pro', 'space li', 'profile add '];
    const answers = typed.map(
      (line) =>
        `COMP_WORDS=(stagedoor ${line}${line.endsWith(' ') ? "''" : ''}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _stagedoor; echo "\${COMPREPLY[*]}"`,
    );
    const { out, err } = await cli.shell(`eval "$(stagedoor completion bash)"\n${answers.join('\n')}`);
    expect([out, err]).toEqual(['--profile\nlist\n\n', '']);
  });
});

const inTerminal = spawnSync('script', ['--version']).error ? describe.skip : describe;

inTerminal('in a terminal', () => {
  /** Answers questions as they come. Returns all that the terminal has shown, and the exit code. */
  async function answer(
    args: string[],
    answers: [question: string, typed: string][],
  ): Promise<[string, number | null]> {
    const child = cli.terminal(args);
    let shown = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (shown += text));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    let isOver = false;
    void ended.then(() => (isOver = true));
    for (const [question, typed] of answers) {
      await until(() => shown.includes(question) || isOver, `it asks ${question}`);
      child.stdin?.write(`${typed}\r`);
    }
    child.stdin?.on('error', () => undefined);
    const code = await ended;
    return [shown, code];
  }

  it('a secret is asked for and not shown', async () => {
    const args = ['profile', 'add', 'live', '--url', 'https://a.example'];
    const [shown, code] = await answer(args, [
      ['API key', key],
      ['Operator token', ''],
    ]);
    expect([code, shown]).toEqual([0, expect.stringContaining('The profile live is added.')]);
    expect(shown).not.toContain('0123456789');
    expect(readFileSync(profilesFile(), 'utf8')).toContain(key);
  });

  it('what cannot be undone is asked about, and no is no', async () => {
    await cli.run(['profile', 'add', 'live', '--url', 'https://a.example', '--api-key-stdin'], { input: key });
    const remove = ['profile', 'remove', 'live'];
    expect(await answer(remove, [['Continue?', 'n']])).toEqual([expect.stringContaining('Nothing was done.'), 2]);
    expect(await answer(remove, [['Continue?', 'y']])).toEqual([expect.stringContaining('is forgotten'), 0]);
  });
});

test('a reader that closes the pipe ends it without a complaint', () => {
  const script = `set -o pipefail; '${process.execPath}' '${path.resolve(import.meta.dirname, '../../cli/dist/bin.js')}' help | true`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('the version is that of the package, and --help says what the exit codes mean', async () => {
  const manifest = path.resolve(import.meta.dirname, '../../cli/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  expect((await cli.run(['--version'])).out).toBe(`${version}\n`);
  const help = await cli.run(['--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toMatch(/Exit codes:/);
  expect(help.out).not.toContain('\u001b');
  // The package can be run where it is installed.
  expect(
    execFileSync('head', ['-1', path.resolve(import.meta.dirname, '../../cli/dist/bin.js')], { encoding: 'utf8' }),
  ).toBe('#!/usr/bin/env node\n');
});
