/**
 * `npm test`: format, lint, types, the SQL functions, the OpenAPI document and the lockfile side by side, then every test.
 *
 * Arguments go to jest: `npm test -- test/api`, `npm test -- --watch`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const nodeModules = path.join(root, 'node_modules');

interface Outcome {
  ok: boolean;
  output: string;
}

interface Check {
  name: string;
  remedy: string;
  run(): Promise<Outcome>;
}

const checks: Check[] = [
  { name: 'format', remedy: 'npm run format', run: () => tool('oxfmt/bin/oxfmt', ['--check', '.']) },
  {
    name: 'lint',
    remedy: 'see the rule named above',
    run: () => tool('oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']),
  },
  { name: 'sql format', remedy: 'npm run format', run: () => tool('../dev/sql/format.ts', ['--check']) },
  { name: 'sql lint', remedy: 'see above', run: () => tool('../dev/sql/lint.ts', []) },
  { name: 'types', remedy: 'see above', run: () => tool('typescript/bin/tsc', ['--noEmit']) },
  { name: 'openapi', remedy: 'npm run openapi writes it anew', run: lintOpenApi },
  {
    name: 'lockfile',
    remedy: 'choose a version whose packages for every platform are published',
    run: () => Promise.resolve(completeLockfile()),
  },
];

/** Runs a script, by its path from node_modules, and gathers what it prints. */
async function tool(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [path.join(nodeModules, script), ...args], {
    cwd: root,
    // Piped as it is, a tool cannot tell whether its colours will be seen.
    env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  return { ok: code === 0, output };
}

async function lintOpenApi(): Promise<Outcome> {
  if (!existsSync(path.join(root, 'openapi.json'))) return { ok: true, output: '' };
  const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_UPDATE_NOTIFIER: '1' };
  return await tool('@redocly/cli/bin/cli.js', ['lint', 'openapi.json'], quiet);
}

/** npm silently leaves an optional package out of the lockfile when a platform's is not published; `npm ci` then fails. */
function completeLockfile(): Outcome {
  type Entry = { version?: string; optionalDependencies?: Record<string, string> };
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Entry>;
  };
  const missing = Object.entries(lock.packages).flatMap(([name, { version, optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(
        (wanted) => !(`node_modules/${wanted}` in lock.packages || `${name}/node_modules/${wanted}` in lock.packages),
      )
      .map((wanted) => `${name} ${version} lacks ${wanted}`),
  );
  return { ok: missing.length === 0, output: missing.join('\n') };
}

/** Runs all of them side by side; says how each ended in a fixed order; how many failed. */
async function runChecks(): Promise<number> {
  const running = checks.map(async (check) => ({ check, ...(await check.run()) }));
  let failed = 0;
  for (const next of running) {
    const { check, ok, output } = await next;
    console.log(ok ? `✓ ${check.name}` : `\n${output.trim()}\n✗ ${check.name} (${check.remedy})\n`);
    if (!ok) failed++;
  }
  return failed;
}

async function inherit(args: string[]): Promise<number> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  // The terminal's Ctrl-C reaches jest by itself; one that was sent to this process alone has to be passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) =>
    child.once('error', reject).once('close', (code) => resolve(code ?? 1)),
  );
}

/** Runs jest and ends with the line that says it all, whatever reporters printed before. */
async function runTests(args: string[]): Promise<number> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-results-'));
  const file = path.join(folder, 'results.json');
  try {
    const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const jest = path.join(nodeModules, 'jest/bin/jest.js');
    const code = await inherit([...node, jest, '--json', `--outputFile=${file}`, ...args]);
    if (!existsSync(file)) return code;
    const results = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
    const skipped = results.numPendingTests ? `, ${results.numPendingTests} skipped` : '';
    // A file that could not even be loaded has no tests that could fail.
    const failures = (results.numFailedTests ?? 0) + (results.numRuntimeErrorTestSuites ?? 0);
    console.log(`\n${results.numPassedTests} passed, ${failures} failed${skipped}`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(args: string[]): Promise<number> {
  const failed = await runChecks();
  if (failed > 0) {
    console.log(`${checks.length - failed} passed, ${failed} failed`);
    return 1;
  }
  const built = await inherit([path.join(root, 'dev/run.mjs'), '--build']);
  return built === 0 ? await runTests(args) : built;
}

process.exitCode = await main(process.argv.slice(2));
