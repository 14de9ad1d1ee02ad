import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const script = path.resolve(import.meta.dirname, '../scripts/bundle.ts');

it('the core imports no package, and is smaller than 6 kB when it is bundled, minified and compressed', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'src/index.ts']);
  expect(stdout).toMatch(/export\s*\{[^}]*createStagedoor/);
  expect(stdout).not.toMatch(/\bfrom\s*["'`]|\bimport\s*["'`(]/);
  expect(gzipSync(stdout, { level: 9 }).length).toBeLessThan(6_000);
});
