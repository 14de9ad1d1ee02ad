/** The static checks of `npm test`, `npm run lint` and `npm run typecheck`. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { at, root } from './settings.ts';

interface Outcome {
  ok: boolean;
  output: string;
}

export interface Check {
  name: string;
  /** What to do when it fails. */
  remedy: string;
  run(): Promise<Outcome>;
}

/** Style and rules of the sources: what `npm run lint` runs. */
export const lintChecks: Check[] = [
  { name: 'format', remedy: 'npm run format', run: () => tool('node_modules/oxfmt/bin/oxfmt', ['--check', '.']) },
  {
    name: 'lint',
    remedy: 'see the rule named above',
    run: () => tool('node_modules/oxlint/bin/oxlint', ['--type-aware', '--deny-warnings']),
  },
  { name: 'sql format', remedy: 'npm run format', run: () => tool('dev/sql/format.ts', ['--check']) },
  { name: 'sql lint', remedy: 'see above', run: () => tool('dev/sql/lint.ts', []) },
];

export const typeChecks: Check[] = [
  { name: 'types', remedy: 'see above', run: () => compile('.') },
  { name: 'types of the client', remedy: 'see above', run: () => compile('client') },
  { name: 'types of the sample', remedy: 'see above', run: () => compile('dev/tsconfig.sample.json') },
  { name: 'types of the console', remedy: 'see above', run: () => compile('console') },
];

/** Checks the types of a folder with a tsconfig, or of another tsconfig. What the compiler learnt is kept, so that the next check reads what has changed. */
async function compile(folder: string): Promise<Outcome> {
  const learnt = `.cache/types${folder === '.' ? '' : `.${folder.replaceAll('/', '-')}`}.tsbuildinfo`;
  return await tool('node_modules/typescript/bin/tsc', [
    '-p',
    folder,
    '--noEmit',
    '--incremental',
    '--tsBuildInfoFile',
    learnt,
  ]);
}

/** What only `npm test` checks. */
export const documentChecks: Check[] = [
  { name: 'openapi', remedy: 'npm run openapi writes it anew', run: lintOpenApi },
  {
    name: 'lockfile',
    remedy: 'choose a version whose packages for every platform are published',
    run: () => Promise.resolve(completeLockfile()),
  },
];

/** Runs a script of the project and gathers its output. */
async function tool(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [at(script), ...args], {
    cwd: root,
    // The tool writes into a pipe and cannot tell whether a terminal shows its colours.
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
  if (!existsSync(at('openapi.json'))) return { ok: true, output: '' };
  const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_UPDATE_NOTIFIER: '1' };
  return await tool('node_modules/@redocly/cli/bin/cli.js', ['lint', 'openapi.json'], quiet);
}

/** npm leaves an optional package out of the lockfile, without a word, when a platform's is not published. `npm ci` then fails. */
function completeLockfile(): Outcome {
  type Entry = { version?: string; optionalDependencies?: Record<string, string> };
  const lock = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')) as { packages: Record<string, Entry> };
  const missing = Object.entries(lock.packages).flatMap(([name, { version, optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((wanted) => !foldersOf(name).some((folder) => `${folder}node_modules/${wanted}` in lock.packages))
      .map((wanted) => `${name} ${version} lacks ${wanted}`),
  );
  return { ok: missing.length === 0, output: missing.join('\n') };
}

/** The folders whose node_modules Node searches for a dependency of a package, innermost first. */
function foldersOf(name: string): string[] {
  const outer = name.split('node_modules/').slice(0, -1);
  const around = outer.map((_, index) => outer.slice(0, outer.length - index).join('node_modules/'));
  return [name === '' ? '' : `${name}/`, ...around, ''];
}

/** Runs checks side by side and reports them in the given order. Returns how many failed. */
export async function runChecks(checks: Check[]): Promise<number> {
  const running = checks.map(async (check) => ({ check, ...(await check.run()) }));
  let failed = 0;
  for (const next of running) {
    const { check, ok, output } = await next;
    console.log(ok ? `✓ ${check.name}` : `\n${output.trim()}\n✗ ${check.name} (${check.remedy})\n`);
    if (!ok) failed++;
  }
  return failed;
}
