import { spawn } from 'node:child_process';
import path from 'node:path';
import { until } from '../test/support/until.ts';

const root = path.resolve(import.meta.dirname, '..');

/** Logs 40 megabytes while nobody reads, tells how much memory they take, and logs the last line when it is told to. */
const script = `
  import { pino } from 'pino';
  import { StandardOutput } from './src/logging.ts';
  const log = pino({}, new StandardOutput());
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 150; n++) {
    for (let line = 0; line < 1_000; line++) log.info({ text: 'x'.repeat(200) }, 'request');
    await new Promise((resolve) => setImmediate(resolve));
  }
  gc();
  process.send(process.memoryUsage().heapUsed - before);
  process.once('message', () => {
    log.info('the last line');
    process.disconnect();
  });
`;

test('while nobody reads the log, the process goes on in bounded memory, and later the log says how many lines are missing', async () => {
  const args = [
    '--expose-gc',
    '--import',
    path.join(root, 'dev/run-typescript.mjs'),
    '--input-type=module',
    '--eval',
    script,
  ];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    const growth = new Promise<number>((resolve) => child.once('message', resolve));
    expect(await Promise.race([growth, ended.then(() => Infinity)])).toBeLessThan(25 * 1024 * 1024);

    let log = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (log += text));
    const lines = () => log.split('\n').filter((line) => line.endsWith('}'));
    await until(() => log.length > 4_000_000, 'nearly all lines that waited are read');
    child.send('go on');
    await ended;
    const [kept, missing] = [
      lines().filter((line) => line.endsWith('"msg":"request"}')).length,
      lines()
        .map((line) => (JSON.parse(line) as { missing?: number }).missing ?? 0)
        .reduce((sum, count) => sum + count, 0),
    ];
    expect(kept).toBeGreaterThan(1_000);
    expect(missing).toBeGreaterThan(1_000);
    expect(kept + missing).toBe(150_000);
    expect(lines().at(-1)).toContain('the last line');
  } finally {
    child.kill();
  }
});
