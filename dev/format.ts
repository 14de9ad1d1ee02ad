/** `npm run format`: lays out all sources, SQL functions included. */
import { spawnSync } from 'node:child_process';

import { at, root } from './settings.ts';

for (const [script, ...args] of [['node_modules/oxfmt/bin/oxfmt', '.'], ['dev/sql/format.ts']] as const) {
  const { status } = spawnSync(process.execPath, [at(script), ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
