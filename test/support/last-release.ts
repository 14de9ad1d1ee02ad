/** The code of the last release, from the history of the repository, to run beside that of this checkout. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * The commit that stands for the last release, and the newest release that had been made then. The release procedure in
 * CONTRIBUTING.md moves it.
 */
export const lastRelease = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'last-release.json'), 'utf8'),
) as Readonly<{ release: string; commit: string }>;

/** Why the last release cannot be run here; undefined: it can. */
export function whyNoLastRelease(): string | undefined {
  const { status, error } = spawnSync('git', ['cat-file', '-e', `${lastRelease.commit}^{commit}`], { cwd: root });
  if (error) return 'there is no git';
  return status === 0 ? undefined : `the history does not reach ${lastRelease.commit}`;
}

/**
 * Makes the last release ready to run. Returns its folder, which stands within this checkout and so has its packages. Its code
 * and its SQL are those of the release, and its packages are those of today.
 */
export function lastReleaseFolder(): string {
  const place = path.join(root, '.cache/releases', lastRelease.commit);
  if (existsSync(place)) return place;
  mkdirSync(path.dirname(place), { recursive: true });
  const fresh = mkdtempSync(`${place}.`);
  try {
    const files = ['src', 'prisma', 'prisma.config.ts', 'package.json'];
    const tar = execFileSync('git', ['archive', '--format=tar', lastRelease.commit, ...files], {
      cwd: root,
      maxBuffer: 1 << 30,
    });
    execFileSync('tar', ['-x', '-C', fresh], { input: tar });
    execFileSync(process.execPath, [path.join(root, 'node_modules/prisma/build/index.js'), 'generate'], {
      cwd: fresh,
      // As in dev/prepare/generate.mjs: generating needs no engine.
      env: { PATH: process.env['PATH'], PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
      stdio: 'pipe',
    });
    if (!existsSync(place)) renameSync(fresh, place);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return place;
}
