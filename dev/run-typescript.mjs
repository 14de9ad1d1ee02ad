/** Lets Node run src/ without a build: `node --import …/run-typescript.mjs src/main.ts`. SWC compiles each file as it is loaded. */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const cache = path.join(root, '.cache', 'swc');
const require = createRequire(import.meta.url);
const options = readFileSync(path.join(root, '.swcrc'), 'utf8') + require('@swc/core/package.json').version;

/** Compiles a file, or takes what an earlier process made of the same text. */
function compile(filename) {
  const text = readFileSync(filename, 'utf8');
  const file = path.join(cache, hash('sha256', `${options}\0${filename}\0${text}`));
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const { code } = require('@swc/core').transformSync(text, { filename });
  mkdirSync(cache, { recursive: true });
  // Renamed when it is whole: another process may look for it at this moment.
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file);
  return code;
}

// What V8 makes of the modules, those of packages too, serves the next process.
enableCompileCache(path.join(root, '.cache', 'v8'));

registerHooks({
  load(url, context, next) {
    if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
    return { format: 'module', source: compile(fileURLToPath(url)), shortCircuit: true };
  },
});
