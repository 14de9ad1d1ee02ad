/** What is compiled: the service in dist/, the emulator in emulator/dist/, the client in client/dist/. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { run } from './commands.mjs';
import { at, cache, hash, root } from './files.mjs';
import { projectNode } from './project-node.mjs';

/** `nest build`, by nest-cli.json: it compiles with TypeScript and copies the SQL files. */
export const service = build({
  name: 'service',
  sources: 'src',
  config: 'tsconfig.build.json',
  inputs: ['nest-cli.json', 'node_modules/@nestjs/cli/package.json'],
  out: 'dist',
  entry: 'main.js',
  builder: () => [at('node_modules/@nestjs/cli/bin/nest.js'), 'build', '--path'],
});

export const emulator = build({
  name: 'emulator',
  sources: 'emulator/src',
  config: 'emulator/tsconfig.build.json',
  inputs: [],
  out: 'emulator/dist',
  entry: 'bin.js',
  builder: () => [at('node_modules/typescript/bin/tsc'), '-p'],
});

/** `@stagedoor/client`: ES modules with their types, as its package holds them. */
export const client = build({
  name: 'client',
  sources: 'client/src',
  config: 'client/tsconfig.build.json',
  inputs: ['client/package.json'],
  out: 'client/dist',
  entry: 'index.js',
  builder: () => [at('node_modules/typescript/bin/tsc'), '-p'],
});

/** A program compiled from TypeScript. `builder` is a command that takes the path of a tsconfig as its last word. */
function build({ name, sources, config, inputs, out, entry, builder }) {
  return {
    label: `Building the ${name}`,
    needs: () => existsSync(at(config)) && existsSync(at(sources, entry.replace('.js', '.ts'))),
    stamp: () => hash([sources, config, ...inputs, 'tsconfig.json', 'node_modules/typescript/package.json']),
    outputs: [at(out, entry)],
    async make() {
      // The new build is made in a folder of its own and then renamed: a program that runs from the old build keeps its
      // files until then. `nest build` takes no output folder, so a tsconfig derived from the real one names it.
      const fresh = `${out}.new`;
      const derived = path.join(cache, `tsconfig.${name}.json`);
      writeFileSync(derived, JSON.stringify({ extends: `../${config}`, compilerOptions: { outDir: `../${fresh}` } }));
      rmSync(at(fresh), { recursive: true, force: true });
      try {
        await run([projectNode(), ...builder(), path.relative(root, derived)]);
        rmSync(at(out), { recursive: true, force: true });
        renameSync(at(fresh), at(out));
      } finally {
        rmSync(at(fresh), { recursive: true, force: true });
      }
    },
    remedy: `Correct the types in ${sources}/ as said above.`,
  };
}
