/**
 * `npm run test:faults`: the fault suites at the sizes that are promised, which takes the better part of an hour. After that
 * the suites about looks and demotion, with each order and precision of participant events that AWS's documents show.
 *
 * Arguments go to jest: `npm run test:faults -- crash-points`. `IVS_EMULATOR_SWITCHES` chooses what the emulator does where
 * AWS documents two behaviors (test/support/emulator.ts). With either of them it is one run.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const jest = path.join(root, 'node_modules/jest/bin/jest.js');

/** What depends on the order and precision of events. The first run has the emulator's defaults. */
const eventSuites = 'test/faults/stage-watch|test/faults/moderation|test/api/v1/spaces/users/role|test/faults/crowded';
const eventSwitches = ['oldest-first', 'newest-first', 'newest-time-first']
  .flatMap((order) => ['milliseconds', 'seconds'].map((time) => [order, time]))
  .slice(1)
  .map(([order, time]) => `participantEventsOrder=${order},participantEventTimes=${time}`);

/** Runs suites. Returns the exit code of jest. */
async function run(args: string[], environment: Record<string, string> = {}): Promise<number> {
  const child = spawn(process.execPath, ['--experimental-vm-modules', jest, '--runInBand', ...args], {
    cwd: root,
    env: { ...process.env, ...environment, FAULTS: 'full' },
    stdio: 'inherit',
  });
  return await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

/** Suites that have a full size: the fault suites, and tests elsewhere that ask `sized`. */
const fullSizeSuites = 'test/faults|test/api/v1/signing-keys|test/api/v1/webhooks/bad-receivers';

const [suites = fullSizeSuites, ...rest] = process.argv.slice(2);
process.exitCode = await run([suites, ...rest]);
if (process.argv.length === 2 && process.env['IVS_EMULATOR_SWITCHES'] === undefined) {
  for (const switches of eventSwitches) {
    process.stdout.write(`\nThe suites about looks and demotion with ${switches}:\n`);
    process.exitCode ||= await run([eventSuites], { IVS_EMULATOR_SWITCHES: switches });
  }
}
