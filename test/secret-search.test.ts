/** The search for secrets over the whole run can fail: what is planted is found, wherever the search looks. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { Logger } from '@nestjs/common';
import { readLines, SecretSearch, secretSearch } from './support/secret-search.ts';
import { ServiceProcess } from './support/service-process.ts';
import { type Json, Stagedoor } from './support/stagedoor.ts';

const root = path.resolve(import.meta.dirname, '..');
const secret = () => randomBytes(40).toString('base64url');

test.each([
  ['alone', (text: string) => text],
  ['within other text', (text: string) => `{"msg":"x${text}y"}`],
  ['in a URL', (text: string) => `https://example.com/?token=${text}&more=1`],
  ['but for its beginning', (text: string) => text.slice(30)],
  ['but for its end', (text: string) => text.slice(0, -12)],
])('a secret is found %s', (_, shown) => {
  const search = new SecretSearch();
  const text = secret();
  search.add('the planted one', text);
  search.add('another', secret());
  search.read('the log', `{"msg":"nothing"}\n${shown(text)}\n`);
  expect(search.end()).toEqual([`the planted one: the log: ${shown(text)}`]);
  search.read('the log', text);
  expect(search.end()).toEqual([]); // of a file before
});

test('a secret is found that was logged before it was known, and one that arrives in two parts', async () => {
  const search = new SecretSearch();
  const text = secret();
  const stream = new PassThrough();
  readLines(stream, (lines) => search.read('the output', lines));
  stream.write(`{"msg":"${text.slice(0, 30)}`);
  stream.write(`${text.slice(30)}"}\n{"msg":"more"`);
  await once(stream.end(), 'close');
  search.add('the planted one', text);
  expect(search.end()).toEqual([`the planted one: the output: {"msg":"${text}"}`]);
});

test('what the redaction had to take out is reported: somebody logs it', () => {
  const search = new SecretSearch();
  search.read('the log', '{"msg":"a key: [secret]"}');
  expect(search.end()).toEqual(['taken out at the last moment: the log: {"msg":"a key: [secret]"}']);
});

test('a service in this process is searched: its log, its answers, what it is sent, and its database', async () => {
  const stagedoor = await Stagedoor.start();
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  const shared = secret();
  const registration = { issuer: 'https://shared.example', audience: 'a', secret: shared };
  await stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, registration));
  const joined = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'alice' }),
  );
  const planted: Json = { shared, key: tenant.key, stage: joined['stage'].token, chat: joined['chat'].token };
  expect(secretSearch.end()).toEqual([]); // a vend and all before it let nothing out

  // All is forgotten now. The next request sends the key, and the next answer has a token.
  await stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, { ...registration, audience: 'b' }));
  const again = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'alice' }),
  );
  Object.assign(planted, { stage: again['stage'].token, chat: again['chat'].token });
  const logger = new Logger('Planted');
  for (const [what, text] of Object.entries(planted)) {
    logger.log({ what, nested: { parts: [(text as string).slice(-30)] } }, 'planted');
    await stagedoor.database.query('update tenants set name = name || $1', [` ${what} ${text}`]);
  }
  await stagedoor.stop();
  const found = secretSearch.end();
  for (const what of Object.keys(planted)) {
    expect(found).toContainEqual(expect.stringMatching(`the log: .*"what":"${what}"`));
  }
  expect(found).toContainEqual(expect.stringContaining('table tenants'));
});

test('what a process of its own prints is searched', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-planted-'));
  try {
    const script = path.join(folder, 'planted.mjs');
    writeFileSync(script, 'process.stderr.write(process.env.PLANTED)');
    const planted = secret();
    secretSearch.add('the planted one', planted);
    expect(await ServiceProcess.start(script, { PLANTED: planted }).ended).toBe(0);
    expect(secretSearch.end()).toEqual([`the planted one: the output of a process: ${planted}`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a test that makes a service itself has loaded the search before', () => {
  const loads =
    /from '[./]+support\/(stagedoor|cluster|without-database)\.ts'|^import '[./]+support\/secret-search\.ts'/m;
  const files = globSync('{src,test,client/test,cli}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] });
  const makers = files.filter((file) => /src\/app(\.module)?\.ts'/.test(readFileSync(path.join(root, file), 'utf8')));
  expect(makers.length).toBeGreaterThan(5);
  expect(makers.filter((file) => !loads.test(readFileSync(path.join(root, file), 'utf8')))).toEqual([]);
});

test.each([
  ['fails if a secret got out', true],
  ['passes if none did', false],
])('a test file whose tests pass %s', async (_, leaks) => {
  const config = {
    rootDir: root,
    runtime: '<rootDir>/test/runner/runtime.mjs',
    testEnvironment: '<rootDir>/test/runner/environment.mjs',
    testMatch: ['<rootDir>/test/runner/planted.ts'],
    roots: ['<rootDir>/test/runner'],
    extensionsToTreatAsEsm: ['.ts'],
  };
  const jest_ = path.join(root, 'node_modules/jest/bin/jest.js');
  const args = ['--experimental-vm-modules', jest_, '--config', JSON.stringify(config), '--runInBand'];
  const env = { ...process.env, PLANTED: secret(), LEAKS: String(leaks) };
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, args, { cwd: root, env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
  expect({ code, isTold: output.includes('a secret that was planted: the log') }).toEqual(
    leaks ? { code: 1, isTold: true } : { code: 0, isTold: false },
  );
});
