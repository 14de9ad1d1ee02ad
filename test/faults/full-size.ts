/**
 * `npm run test:faults`: the fault suites at the sizes that are promised, which takes the better part of an hour.
 *
 * Arguments go to jest: `npm run test:faults -- crash-points`. `IVS_EMULATOR_SWITCHES` chooses what the emulator does where
 * AWS documents two behaviors (test/support/emulator.ts).
 */
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const [suites = 'test/faults', ...rest] = process.argv.slice(2);
const jest = path.join(root, 'node_modules/jest/bin/jest.js');
const child = spawn(process.execPath, ['--experimental-vm-modules', jest, '--runInBand', suites, ...rest], {
  cwd: root,
  env: { ...process.env, FAULTS: 'full' },
  stdio: 'inherit',
});
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
