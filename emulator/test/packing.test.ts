/** The package as a user gets it: made from a fresh checkout, installed in an empty folder, and run there. */
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Emulator } from '../src/index.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const { version } = JSON.parse(readFileSync(path.join(root, 'emulator/package.json'), 'utf8')) as { version: string };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ivs-emulator-package-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command of the source. */
const command = (...args: string[]) => run(process.execPath, [path.join(root, 'emulator/src/bin.ts'), ...args]);

/**
 * Copies the files of the repository without what a build makes, as a fresh clone has them. The dependencies are a link.
 */
async function freshCheckout(): Promise<string> {
  const checkout = path.join(folder, 'checkout');
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const file of stdout.split('\0').filter(Boolean)) {
    const target = path.join(checkout, file);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(path.join(root, file), target, { force: true });
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(checkout, 'node_modules'));
  return checkout;
}

/** Installs a package file in an empty folder, without a registry: its only dependency is copied. */
async function install(tarball: string): Promise<string> {
  const modules = path.join(folder, 'project/node_modules');
  const installed = path.join(modules, 'ivs-emulator');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  cpSync(path.join(root, 'node_modules/ws'), path.join(modules, 'ws'), { recursive: true, dereference: true });
  return installed;
}

it('a fresh checkout makes a package that runs in an empty folder, with its documents', async () => {
  const checkout = await freshCheckout();
  const { stdout } = await run(
    'npm',
    ['run', '--silent', 'pack:emulator', '--', '--json', '--pack-destination', folder],
    {
      cwd: checkout,
    },
  );
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  const names = files.map((file) => file.path);
  expect(names).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'dist/bin.js',
      'dist/index.d.ts',
      'docs/control.md',
      'docs/differences.md',
      'models/ivschat.json',
      'page/page.html',
    ]),
  );
  expect(names.filter((name) => /\.test\.|^(src|test|bench|scripts)\//.test(name))).toEqual([]);

  const installed = await install(path.join(folder, filename));
  const bin = path.join(installed, 'dist/bin.js');
  expect((await run(process.execPath, [bin, '--version'])).stdout).toBe(`${version}\n`);
  const emulator = spawn(process.execPath, [bin, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let output = '';
      emulator.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const found = /http:\/\/127\.0\.0\.1:\d+(?=\s)/.exec(output);
        if (found) resolve(found[0]);
      });
      emulator.once('exit', () => reject(new Error(`the emulator has ended: ${output}`)));
    });
    await run(process.execPath, [bin, 'wait', '--url', url]);
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('<html');
  } finally {
    emulator.kill();
  }
});

it('every document that README.md links to is in the package', () => {
  const readme = readFileSync(path.join(root, 'emulator/README.md'), 'utf8');
  const { files } = JSON.parse(readFileSync(path.join(root, 'emulator/package.json'), 'utf8')) as { files: string[] };
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? '');
  expect(links.length).toBeGreaterThan(4);
  expect(links.filter((link) => link !== 'LICENSE' && !files.includes(link.split('/')[0] ?? ''))).toEqual([]);
  expect(readme).not.toMatch(/npx\s+ivs-emulator/);
});

it('wait succeeds when an emulator begins to answer', async () => {
  const placeholder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => placeholder.once('listening', resolve));
  const { port } = placeholder.address() as AddressInfo;
  await new Promise((resolve) => placeholder.close(resolve));
  const waiting = command('wait', '--url', `http://127.0.0.1:${port}`, '--timeout', '60');
  await using emulator = await Emulator.start({ port });
  await expect(waiting).resolves.toBeDefined();
  expect(emulator.port).toBe(port);
});

it.each([
  ['nothing', undefined, '0.3', /no emulator answers .* within 0\.3 s/],
  // On a busy machine, the first question of a new process takes its time.
  ['something else', 200, '5', /something else answers there, with status 200/],
])('wait fails when %s answers', async (_what, status, timeout, message) => {
  const other = createServer((_request, response) => response.writeHead(status ?? 500).end('{}'));
  other.listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  if (status === undefined) await new Promise((resolve) => other.close(resolve));
  try {
    const waiting = command('wait', '--url', `http://127.0.0.1:${port}`, '--timeout', timeout);
    await expect(waiting).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  } finally {
    other.close();
  }
});

it.each([
  ['--url', 'localhost:4580'],
  ['--timeout', 'soon'],
  ['--port', '1'],
])('wait refuses a wrong option in one line: %s %s', async (...args) => {
  await expect(command('wait', ...args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ivs-emulator: .*\n$/),
  });
});

it('the image of the emulator and docker-compose.yml have its health check', () => {
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  const [, target = ''] = /^FROM base AS emulator\n([\s\S]*?)^# ----/m.exec(dockerfile) ?? [];
  expect(target).toMatch(/^HEALTHCHECK .*"emulator\/dist\/bin\.js", "wait"/m);
  const compose = readFileSync(path.join(root, 'docker-compose.yml'), 'utf8');
  expect(compose).toMatch(/emulator:\n\s+condition: service_healthy/);
});
