/** The dependencies in node_modules. */
import { existsSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { UserError } from '../user-error.mjs';
import { run } from './commands.mjs';
import { at, readJson, root } from './files.mjs';

export const installed = {
  label: 'Installing the dependencies (a minute or two)',
  isDone: () => existsSync(at('package-lock.json')) && lockfileIsInstalled(),
  make: installDependencies,
  remedy: 'Check that npm is there and that it reaches its registry, then run the same command again.',
};

/** The links to the workspaces. A new workspace needs no new installation: its link is made. */
export const linked = {
  label: 'Linking the workspaces',
  isDone: () => missingLinks().length === 0,
  make() {
    for (const [name, { resolved }] of missingLinks()) {
      mkdirSync(path.dirname(at(name)), { recursive: true });
      symlinkSync(path.relative(path.dirname(at(name)), at(resolved)), at(name), 'junction');
    }
  },
  remedy: 'Delete node_modules, then run the same command again.',
};

function missingLinks() {
  const wanted = Object.entries(readJson(at('package-lock.json'))?.packages ?? {});
  return wanted.filter(([name, { link, resolved }]) => link && existsSync(at(resolved)) && !existsSync(at(name)));
}

/** Compares the lockfile with the one npm keeps of what it has installed. Optional packages may be missing. */
function lockfileIsInstalled() {
  const there = readJson(at('node_modules/.package-lock.json'))?.packages;
  if (!there) return false;
  const wanted = readJson(at('package-lock.json'))?.packages ?? {};
  return Object.entries(wanted).every(([name, entry]) => {
    if (!name.startsWith('node_modules/') || entry.link) return true;
    const found = there[name];
    return found ? found.version === entry.version : Boolean(entry.optional);
  });
}

/**
 * What an npm that has called this program must not pass on to `npm ci`. `npm pack --workspace=emulator
 * --ignore-scripts=false` would install the one workspace only, and run the install scripts of the dependencies.
 */
const ownSettings = { npm_config_workspace: undefined, npm_config_ignore_scripts: 'true' };

/** Runs the user's own npm on the user's own Node, because `npm ci` first deletes the folder of the project's Node. */
async function installDependencies() {
  if (lstatSync(at('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink())
    throw new UserError(
      'node_modules is a link, and npm ci would empty the folder it leads to, which may be in use elsewhere.',
    );
  const args = ['ci', '--loglevel=error', '--include=dev', '--include=optional'];
  const { npm_execpath: cli, npm_node_execpath: node, PATH = '' } = process.env;
  if (cli?.endsWith('.js') && node && !node.startsWith(root) && existsSync(node))
    return await run([node, cli, ...args], ownSettings);
  const elsewhere = PATH.split(path.delimiter).filter((folder) => !folder.startsWith(root));
  await run([process.platform === 'win32' ? 'npm.cmd' : 'npm', ...args], {
    ...ownSettings,
    PATH: elsewhere.join(path.delimiter),
  });
}
