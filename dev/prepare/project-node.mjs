/** The Node that runs the project's scripts: the one of the lockfile, or the machine's own where the lockfile has none. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

import { UserError } from '../user-error.mjs';
import { at, readJson } from './files.mjs';

const bundled = at('node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');

/** Its path. */
export function projectNode() {
  if (existsSync(bundled) && spawnSync(bundled, ['--version'], { stdio: 'ignore' }).status === 0) return bundled;
  if (isNewEnough()) return process.execPath;
  throw new UserError(tooOld());
}

/** Throws if neither this Node nor one that the lockfile brings can run the project. */
export function refuseOldNode() {
  if (!isNewEnough() && !lockfileHasNode()) throw new UserError(tooOld());
}

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

function tooOld() {
  return `Stagedoor needs Node 22.19 or newer, and this is ${process.versions.node} (${process.execPath}). Remedy: install Node 24 and run the same command again.`;
}

/** Whether package.json names a Node for this platform among its optional dependencies. */
function lockfileHasNode() {
  const optional = readJson(at('package.json'))?.optionalDependencies ?? {};
  return `node-${process.platform}-${process.arch}` in optional;
}
