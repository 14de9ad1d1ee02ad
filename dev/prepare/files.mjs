import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** What the preparation remembers. It is git-ignored, and outside node_modules because `npm ci` deletes that folder. */
export const cache = path.join(root, '.cache');

/** An absolute path in the project. */
export function at(...parts) {
  return path.join(root, ...parts);
}

/** The content of a JSON file; undefined if it cannot be read. */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * A hash of the contents of files and folders, tests excepted. Times do not count, because a checkout or a copy changes
 * them.
 */
export function hash(inputs) {
  const digest = createHash('sha256');
  const add = (name) => {
    const found = statSync(at(name), { throwIfNoEntry: false });
    if (!found) return;
    if (!found.isDirectory()) digest.update(`${name}\0${found.size}\0`).update(readFileSync(at(name)));
    else for (const child of readdirSync(at(name)).sort()) if (!child.endsWith('.test.ts')) add(`${name}/${child}`);
  };
  for (const input of inputs) add(input);
  return digest.digest('hex');
}
