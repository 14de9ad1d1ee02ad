/**
 * A process that becomes the service when it is told to. Until then it loads what src/ imports from node_modules, which is
 * the greater part of a start.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const sources = path.resolve(import.meta.dirname, '../src');
const told = new Promise((resolve) => process.once('message', resolve));
process.once('disconnect', () => process.exit()); // npm run dev is gone

/** The packages that src/ imports. */
function packages() {
  const files = globSync('**/*.ts', { cwd: sources }).filter((file) => !file.endsWith('.test.ts'));
  return new Set(
    files.flatMap((file) => {
      const text = readFileSync(path.join(sources, file), 'utf8');
      return [...text.matchAll(/^(?:import|export) (?!type ).*from '([^'.][^']*)'|\bimport\('([^'.][^']*)'\)/gm)].map(
        ([, named, dynamic]) => named ?? dynamic,
      );
    }),
  );
}

// A package that cannot be loaded is reported when the service itself imports it.
await Promise.all([...packages()].map((name) => import(name).catch(() => {})));
await told;
process.removeAllListeners('disconnect');
process.disconnect();
const main = path.join(sources, 'main.ts');
process.argv[1] = main;
await import(pathToFileURL(main).href);
