/**
 * `npm run openapi`: writes openapi.json, the description of the API that the service serves.
 *
 * The file is in the repository so that a change of the API shows as a diff. test/openapi.test.ts fails while the file is
 * out of date. This script needs no database and no AWS.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from './settings.ts';

/** Modules of the built service, because Node cannot run the decorators of the sources. */
const [{ assemble }, { openApiDocument, openApiText }, { Settings }] = await Promise.all([
  compiled<typeof import('../src/app.ts')>('app.js'),
  compiled<typeof import('../src/openapi/openapi.ts')>('openapi/openapi.js'),
  compiled<typeof import('../src/config.ts')>('config.js'),
]);

async function compiled<Module>(file: string): Promise<Module> {
  return (await import(pathToFileURL(path.join(root, 'dist', file)).href)) as Module;
}

// The service takes settings even if it only describes its API. Nothing uses these values.
const app = await assemble(
  Settings.from({
    DATABASE_URL: 'postgresql://nobody@localhost/none',
    STAGEDOOR_OPERATOR_TOKEN: 'no-operator-uses-this-token-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('a master key for this, and alone').toString('base64'),
    AWS_REGION: 'us-east-1',
    LOG_LEVEL: 'silent',
  }),
);
const document = openApiDocument(app);
await app.close();
writeFileSync(path.join(root, 'openapi.json'), openApiText(document));
console.log(`openapi.json: ${Object.keys(document.paths).length} paths`);
