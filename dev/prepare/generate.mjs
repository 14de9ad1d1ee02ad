/** The TypeScript that is generated: the database client, the types of the IVS models and those of the OpenAPI document. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { run } from './commands.mjs';
import { at, hash } from './files.mjs';
import { projectNode } from './project-node.mjs';

export const databaseClient = {
  label: 'Generating the database client',
  needs: () => existsSync(at('prisma/schema.prisma')),
  stamp: () => hash(['prisma/schema.prisma', 'prisma.config.ts', 'node_modules/prisma/package.json']),
  outputs: [at('src/database/generated/client.ts')],
  make: () =>
    run([projectNode(), at('node_modules/prisma/build/index.js'), 'generate'], {
      // Prisma downloads an engine, which generating does not need, unless an executable is named here.
      PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    }),
  remedy: 'Correct prisma/schema.prisma as said above.',
};

export const wireTypes = {
  label: 'Generating the types of the IVS models',
  needs: () => existsSync(at('emulator/scripts/generate-types.ts')),
  stamp: () => hash(['emulator/models', 'emulator/scripts']),
  outputs: ['realtime', 'chat'].map((folder) => at('emulator/src', folder, 'types.ts')),
  make: () => run([projectNode(), at('emulator/scripts/generate-types.ts')]),
  remedy: 'Correct emulator/scripts/types-of-model.ts as said above.',
};

export const apiTypes = {
  label: 'Generating the types of the API',
  needs: () => existsSync(at('client/src/index.ts')),
  stamp: () => hash(['openapi.json', apiGenerator('package.json')]),
  outputs: [at('client/src/generated/openapi.ts')],
  make: () =>
    run([projectNode(), at(apiGenerator('bin/cli.js')), 'openapi.json', '-o', 'client/src/generated/openapi.ts']),
  remedy: 'Run npm run openapi, which writes openapi.json anew.',
};

/** A file of the generator. npm installs it in one place or the other, by what else needs it. */
function apiGenerator(file) {
  const inside = path.join('node_modules/openapi-typescript', file);
  return existsSync(at('client', inside)) ? path.join('client', inside) : inside;
}
