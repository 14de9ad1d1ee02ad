/** One preparation at a time: a lock file in the cache folder. */
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { cache } from './files.mjs';

/**
 * Takes the lock, waiting for whoever has it. The function returned releases it.
 *
 * The holder renews the time of the file every two seconds. A file that is older than half a minute was left behind by a
 * process that was killed, even if another process has its id by now.
 */
export async function lock() {
  mkdirSync(cache, { recursive: true });
  const file = path.join(cache, 'lock');
  for (let said = false; ;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!said) process.stderr.write('Another command is preparing the project; waiting for it …\n');
    said = true;
    await delay(200);
  }
  const renew = setInterval(() => utimesSync(file, new Date(), new Date()), 2_000);
  renew.unref();
  const release = () => {
    clearInterval(renew);
    rmSync(file, { force: true });
  };
  process.once('exit', release);
  return () => {
    process.removeListener('exit', release);
    release();
  };
}

function isAbandoned(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return false;
  if (Date.now() - found.mtimeMs > 30_000) return true;
  const pid = Number(readFileSync(file, 'utf8'));
  if (!pid) return false; // its owner is writing it at this moment
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
