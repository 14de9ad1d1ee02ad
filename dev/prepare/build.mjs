/** What is compiled: the service in dist/, the emulator, the client, the command line, the sample and the documentation in the dist/ of their folders. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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

/** `@stagedoor/cli`: the command line. It is compiled with the types of the built client. */
export const cli = build({
  name: 'cli',
  sources: 'cli/src',
  config: 'cli/tsconfig.build.json',
  inputs: ['cli/package.json', 'client/dist/server/index.d.ts', 'client/dist/generated/openapi.d.ts'],
  out: 'cli/dist',
  entry: 'bin.js',
  builder: () => [at('node_modules/typescript/bin/tsc'), '-p'],
});

/** The documentation site, which the service serves at /docs. VitePress fails if a link leads nowhere. */
export const site = {
  label: 'Building the documentation',
  needs: () => existsSync(at('docs/.vitepress/config.ts')),
  stamp: () => hash([...sourcesOfSite(), '.env.example', 'node_modules/vitepress/package.json']),
  outputs: [at('docs/dist/index.html')],
  make: () =>
    replaceFolder('docs/dist', (fresh) =>
      run([projectNode(), at('node_modules/vitepress/bin/vitepress.js'), 'build', 'docs', '--outDir', fresh]),
    ),
  remedy: 'Correct the pages in docs/ as said above.',
};

/** What stands in docs/, except what is made of it. */
function sourcesOfSite() {
  return readdirSync(at('docs'))
    .filter((name) => !name.startsWith('dist') && name !== 'node_modules')
    .sort()
    .map((name) => `docs/${name}`);
}

/** The sample application, as `vite build` makes it. It uses the built client, as an application outside of this repository does. */
export const sample = {
  label: 'Building the sample application',
  needs: () => existsSync(at('samples/react/index.html')) && existsSync(at('client/src/react')),
  stamp: () =>
    hash([
      ...['src', 'index.html', 'package.json', 'vite.config.ts', 'tsconfig.json'].map(
        (name) => `samples/react/${name}`,
      ),
      ...['src', 'package.json', 'tsconfig.build.json'].map((name) => `client/${name}`),
      ...['vite', 'react', 'amazon-ivs-chat-messaging', 'amazon-ivs-web-broadcast'].map(
        (name) => `node_modules/${name}/package.json`,
      ),
    ]),
  outputs: [at('samples/react/dist/index.html')],
  make: () =>
    replaceFolder('samples/react/dist', (fresh) =>
      run([
        projectNode(),
        at('node_modules/vite/bin/vite.js'),
        'build',
        'samples/react',
        ...viteOptions,
        '--outDir',
        at(fresh),
      ]),
    ),
  remedy: 'Correct samples/react/ as said above.',
};

/**
 * The pages of the console, which the service serves at /console. They are built as for production whoever asks: jest sets
 * NODE_ENV to test, and React is a quarter larger then, and slower.
 */
export const consolePages = {
  label: 'Building the console',
  needs: () => existsSync(at('console/index.html')),
  stamp: () =>
    hash([
      'dev/prepare/build.mjs',
      ...['src', 'index.html', 'package.json', 'vite.config.ts', 'tsconfig.json'].map((name) => `console/${name}`),
      ...[
        'vite',
        'react',
        '@mantine/core',
        '@tanstack/react-query',
        '@tanstack/react-router',
        'vite-plugin-compression2',
      ].map((name) => `node_modules/${name}/package.json`),
    ]),
  outputs: [at('console/dist/index.html')],
  make: () =>
    replaceFolder('console/dist', (fresh) =>
      run(
        [projectNode(), at('node_modules/vite/bin/vite.js'), 'build', 'console', ...viteOptions, '--outDir', at(fresh)],
        { NODE_ENV: 'production' },
      ),
    ),
  remedy: 'Correct console/ as said above.',
};

const viteOptions = ['--emptyOutDir', '--logLevel', 'warn'];

/** A program compiled from TypeScript. `builder` is a command that takes the path of a tsconfig as its last word. */
function build({ name, sources, config, inputs, out, entry, builder }) {
  return {
    label: `Building the ${name}`,
    needs: () => existsSync(at(config)) && existsSync(at(sources, entry.replace('.js', '.ts'))),
    stamp: () => hash([sources, config, ...inputs, 'tsconfig.json', 'node_modules/typescript/package.json']),
    outputs: [at(out, entry)],
    // `nest build` takes no output folder, so a tsconfig derived from the real one names it.
    make: () =>
      replaceFolder(out, async (fresh) => {
        const derived = path.join(cache, `tsconfig.${name}.json`);
        writeFileSync(derived, JSON.stringify({ extends: `../${config}`, compilerOptions: { outDir: `../${fresh}` } }));
        await run([projectNode(), ...builder(), path.relative(root, derived)]);
      }),
    remedy: `Correct the types in ${sources}/ as said above.`,
  };
}

/**
 * Makes a folder anew. The new one is made beside the old one and then renamed: a program that runs from the old one keeps
 * its files until then.
 */
async function replaceFolder(out, make) {
  const fresh = `${out}.new`;
  rmSync(at(fresh), { recursive: true, force: true });
  try {
    await make(fresh);
    rmSync(at(out), { recursive: true, force: true });
    renameSync(at(fresh), at(out));
  } finally {
    rmSync(at(fresh), { recursive: true, force: true });
  }
}
