/**
 * `npm run pack:emulator`, `npm run pack:client` and `npm run pack:cli`: make the package of a workspace, a `.tgz` file in the present folder, also
 * from a fresh checkout. Arguments go to `npm pack`: `npm run pack:emulator -- --pack-destination /tmp`.
 *
 * A plain `npm pack --workspace=emulator` would leave out what is compiled unless somebody had built it before: .npmrc turns off
 * all scripts that npm calls by itself, `prepack` among them.
 */
import { spawnSync } from 'node:child_process';

import { root } from './settings.ts';

const [workspace, ...more] = process.argv.slice(2);
const args = ['pack', `--workspace=${workspace}`, ...more];
const { npm_execpath: cli } = process.env;
const { status, error } = cli?.endsWith('.js')
  ? spawnSync(process.execPath, [cli, ...args], { cwd: root, stdio: 'inherit' })
  : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
if (error) throw error;
process.exitCode = status ?? 1;
