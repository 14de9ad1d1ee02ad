/**
 * Makes what a fresh clone lacks. A task is something that is made: `isDone` or `stamp` and `outputs` tell whether it is
 * there and made from the present inputs; `make` makes it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { UserError } from '../user-error.mjs';
import { cli, client, consolePages, emulator, sample, service, site } from './build.mjs';
import { progress } from './commands.mjs';
import { cache } from './files.mjs';
import { apiTypes, databaseClient, wireTypes } from './generate.mjs';
import { installed, linked } from './install.mjs';
import { lock } from './lock.mjs';

/**
 * How far a script needs the project prepared: `installed` < `generated` < `built`. `emulator`, `client` and `cli` are the parts
 * of `built` that these packages need. The types of the sample application are those of the built client. Tasks of one array run side by side.
 */
const plans = {
  installed: [[installed], [linked]],
  generated: [[installed], [linked], [databaseClient, wireTypes, apiTypes], [client]],
  emulator: [[installed], [linked], [wireTypes], [emulator]],
  client: [[installed], [linked], [apiTypes], [client]],
  cli: [[installed], [linked], [apiTypes], [client], [cli]],
  built: [
    [installed],
    [linked],
    [databaseClient, wireTypes, apiTypes],
    [service, emulator, client, site],
    [sample, consolePages, cli],
  ],
};

/** Makes what is missing for a level of `plans`. `beforehand` is called if something is missing. */
export async function prepare(level, beforehand = async () => {}) {
  const plan = plans[level];
  if (plan.flat().every((task) => isDone(task))) return;
  await beforehand();
  const release = await lock();
  try {
    for (const group of plan) {
      // If one task fails, the others still end first: none may go on without the lock.
      const ends = await Promise.allSettled(group.map((task) => makeIfMissing(task)));
      const failure = ends.find(({ status }) => status === 'rejected');
      if (failure) throw failure.reason;
    }
  } finally {
    release();
  }
}

function isDone(task) {
  if (task.needs && !task.needs()) return true;
  if (task.isDone) return task.isDone();
  if (!task.outputs.every((file) => existsSync(file)) || !existsSync(stampFile(task))) return false;
  return readFileSync(stampFile(task), 'utf8') === task.stamp();
}

async function makeIfMissing(task) {
  if (isDone(task)) return;
  const stamp = task.stamp?.();
  const finish = progress(task.label);
  try {
    await task.make();
    finish('done');
  } catch (error) {
    finish('failed');
    if (error instanceof UserError) throw new UserError(`${error.message}\n\n${task.remedy}`);
    throw error;
  }
  if (stamp) writeFileSync(stampFile(task), stamp);
}

function stampFile(task) {
  return path.join(cache, `${task.label.replaceAll(/\W+/g, '-').toLowerCase()}.stamp`);
}
