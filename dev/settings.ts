/** The settings of `npm start`, from the environment and the project's `.env`. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { Told } from './told.ts';

export const root = path.resolve(import.meta.dirname, '..');

/** Which IVS the service talks to: our emulator, another endpoint, or AWS itself. */
export type Ivs = { kind: 'emulator'; port: number } | { kind: 'endpoint'; url: string } | { kind: 'aws' };

export interface Settings {
  port: number;
  host: string;
  dataDir: string;
  region: string;
  ivs: Ivs;
  databaseUrl: string | undefined;
  databaseOwnerUrl: string | undefined;
  operatorToken: string | undefined;
  masterKey: string | undefined;
}

/** Reads the settings; what `.env` says counts where the environment says nothing. */
export function readSettings(): Settings {
  const file = path.join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const env = (name: string) => process.env[name] || undefined;
  const endpoint = env('IVS_ENDPOINT');
  const region = env('AWS_REGION');
  return {
    port: port('PORT', 3000),
    // The credentials are throw-away and printed: nobody else on the network needs to reach them.
    host: env('HOST') ?? '127.0.0.1',
    dataDir: path.resolve(root, env('DATA_DIR') ?? '.data'),
    region: region ?? 'us-east-1',
    ivs: endpoint
      ? { kind: 'endpoint', url: endpoint }
      : region
        ? { kind: 'aws' }
        : { kind: 'emulator', port: port('IVS_EMULATOR_PORT', 4580) },
    databaseUrl: env('DATABASE_URL') ?? env('DATABASE_OWNER_URL'),
    databaseOwnerUrl: env('DATABASE_OWNER_URL'),
    operatorToken: env('STAGEDOOR_OPERATOR_TOKEN'),
    masterKey: env('STAGEDOOR_MASTER_KEY'),
  };
}

function port(name: string, byDefault: number): number {
  const text = process.env[name] || String(byDefault);
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 65_535) return value;
  throw new Told(`${name}=${text} is not a port. Remedy: ${name}=<a number from 1 to 65535> npm start`);
}
