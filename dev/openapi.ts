/**
 * `npm run openapi`: writes openapi.json, the API's description as the service itself serves it.
 *
 * It is in the repository so that a change of the API is a diff somebody sees; test/openapi.test.ts fails while it is out
 * of date. Neither a database nor AWS is asked anything.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from './settings.ts';

/** Modules of the compiled service: Node itself cannot run its decorators. */
const [{ assemble }, { openApiDocument, openApiText }, { Settings }] = await Promise.all([
  compiled<typeof import('../src/app.ts')>('app.js'),
  compiled<typeof import('../src/openapi/openapi.ts')>('openapi/openapi.js'),
  compiled<typeof import('../src/config.ts')>('config.js'),
]);

async function compiled<Module>(file: string): Promise<Module> {
  return (await import(pathToFileURL(path.join(root, 'dist', file)).href)) as Module;
}

// Values nobody uses: describing the API takes settings, but no work is done with them.
const app = await assemble(
  Settings.from({
    DATABASE_URL: 'postgresql://nobody@localhost/none',
    STAGEDOOR_OPERATOR_TOKEN: 'x'.repeat(32),
    STAGEDOOR_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    LOG_LEVEL: 'silent',
  }),
);
const document = openApiDocument(app);
await app.close();
writeFileSync(path.join(root, 'openapi.json'), openApiText(document));
console.log(`openapi.json: ${Object.keys(document.paths).length} paths`);
