/**
 * `npm test`: the static checks side by side, then every test.
 *
 * Arguments go to jest. With the name of a file or a folder among them, as in `npm test -- test/api/v1/roles.test.ts`, only those
 * tests run, without the static checks; what a test needs beyond that is made when the test asks for it
 * (test/global-setup.ts).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { documentChecks, lintChecks, runChecks, typeChecks } from './checks.ts';
import { at, root } from './settings.ts';

async function inherit(args: string[]): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  // Ctrl-C in the terminal reaches jest by itself. A signal that was sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) =>
    child.once('error', reject).once('close', (code) => resolve(code ?? 1)),
  );
}

/** Runs jest. The last line says how many tests passed and failed, whatever reporters printed before. */
async function runTests(args: string[]): Promise<number> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-results-'));
  const file = path.join(folder, 'results.json');
  try {
    const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const code = await inherit([
      ...node,
      at('node_modules/jest/bin/jest.js'),
      '--json',
      `--outputFile=${file}`,
      ...args,
    ]);
    if (!existsSync(file)) return code;
    const results = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const skipped = results.numPendingTests ? `, ${results.numPendingTests} skipped` : '';
    // The tests of a file that could not be loaded are not counted, but the file is.
    const failures = (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0);
    console.log(`\n${results.numPassedTests} passed, ${failures} failed${skipped}`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function testEverything(args: string[]): Promise<number> {
  const checks = [...lintChecks, ...typeChecks, ...documentChecks];
  const failed = await runChecks(checks);
  if (failed > 0) {
    console.log(`${checks.length - failed} passed, ${failed} failed`);
    return 1;
  }
  const built = await inherit([at('dev/run.mjs'), '--needs=built']);
  return built === 0 ? await runTests(args) : built;
}

const args = process.argv.slice(2);
const namesTests = args.some((arg) => !arg.startsWith('-'));
process.exitCode = await (namesTests ? runTests(args) : testEverything(args));
