/** What `npm start` and `npm run dev` print once everything runs. */
import path from 'node:path';

import type { Demo } from './demo.ts';
import type { Database } from './migrating.ts';
import { root, type Settings } from './settings.ts';

interface Facts {
  settings: Settings;
  address: string;
  database: Database;
  operatorToken: string;
  /** The demo tenant, or why there is none. */
  demo: Demo | string;
  /** What follows when a source changes; empty for `npm start`. */
  watching: string[];
}

/** The addresses, the throw-away credentials and three lines to paste. */
export function banner({ settings, address, database, operatorToken, demo, watching }: Facts): string {
  const dataDir = shown(settings.dataDir);
  return [
    '',
    `Stagedoor is ready after ${(performance.now() / 1000).toFixed(1)} s.`,
    '',
    ...(typeof demo === 'string' ? [] : [`  Demo       ${address}/demo   (two people in one space: open it first)`]),
    `  Console    ${address}/console   (for moderators: one click enters the demo tenant)`,
    '',
    `  API        ${address}   (read about it at ${address}/docs/)`,
    `  IVS        ${ivs(settings)}`,
    `  Postgres   ${postgres(database)}`,
    `  Logs       ${path.join(dataDir, 'logs')}   (warnings and errors are shown here too)`,
    '',
    `THROW-AWAY CREDENTIALS, for this machine only, kept in ${dataDir}`,
    settings.operatorToken
      ? '  operator token   the one you set, STAGEDOOR_OPERATOR_TOKEN'
      : `  operator token   ${operatorToken}`,
    ...(typeof demo === 'string' ? [] : [`  demo API key     ${demo.apiKey}`]),
    ...(database.embedded ? [`  database owner   ${database.embedded.ownerUrl}`] : []),
    '',
    ...(typeof demo === 'string' ? [`There is no demo tenant: ${demo}`] : tryIt(address, dataDir, demo)),
    '',
    ...watching,
    'Ctrl-C stops everything.',
  ].join('\n');
}

/** A folder as the user would type it in the folder of the project. */
export function shown(folder: string): string {
  const relative = path.relative(root, folder);
  return relative.startsWith('..') ? folder : relative || '.';
}

function ivs({ ivs: { ...ivs }, region }: Settings): string {
  if (ivs.kind === 'aws') return `AWS, ${region}   (because AWS_REGION is set and IVS_ENDPOINT is not)`;
  if (ivs.kind === 'endpoint') return `${ivs.url}   (IVS_ENDPOINT)`;
  return `emulator at http://127.0.0.1:${ivs.port}   (not AWS)`;
}

function postgres({ url, embedded }: Database): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}   (${embedded ? `embedded, its data in ${shown(embedded.folder)}` : 'DATABASE_URL'})`;
}

function tryIt(address: string, dataDir: string, { spaceId, apiKey, tokens }: Demo): string[] {
  const join = (token: string) =>
    `curl -sS -X POST ${address}/v1/spaces/${spaceId}/join -H 'authorization: Bearer ${token}' -H 'content-type: application/json' -d '{}'`;
  return [
    'Paste these. Alice joins the demo space as its host:',
    join(tokens.alice),
    'Bob joins it as a viewer:',
    join(tokens.bob),
    'The ledger says who was given what:',
    `curl -sS '${address}/v1/grants?spaceId=${spaceId}' -H 'authorization: Bearer ${apiKey}'`,
    '',
    `The examples of the README need these variables:  . ${path.join(dataDir, 'demo.env')}`,
  ];
}
