/** The settings of `npm start` and the other commands, from the environment and the project's `.env`. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { type Ports, readPorts } from './ports.mjs';
import { reason, UserError } from './user-error.mjs';

export const root = path.resolve(import.meta.dirname, '..');

/** An absolute path in the project. */
export function at(...parts: string[]): string {
  return path.join(root, ...parts);
}

/** What `node` is told beside the program, to serve the page /demo with it. */
export const demoPage = ['--import', at('dev/demo-page.ts')];

/** The IVS that the service talks to: the emulator, another endpoint, or AWS. */
export type Ivs = { kind: 'emulator'; port: number } | { kind: 'endpoint'; url: string } | { kind: 'aws' };

export interface Settings extends Ports {
  dataDir: string;
  region: string;
  ivs: Ivs;
  databaseUrl: string | undefined;
  databaseOwnerUrl: string | undefined;
  operatorToken: string | undefined;
  masterKey: string | undefined;
  ivsEventsSecret: string | undefined;
}

/** Reads the settings. A line of `.env` counts where the environment has no such variable. */
export function readSettings(): Settings {
  const file = path.join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const env = (name: string) => process.env[name] || undefined;
  const endpoint = env('IVS_ENDPOINT');
  const region = env('AWS_REGION');
  const ports = checkedPorts();
  return {
    ...ports,
    dataDir: path.resolve(root, env('DATA_DIR') ?? '.data'),
    region: region ?? 'us-east-1',
    ivs: endpoint
      ? { kind: 'endpoint', url: endpoint }
      : ports.emulatorPort
        ? { kind: 'emulator', port: ports.emulatorPort }
        : { kind: 'aws' },
    databaseUrl: databaseUrl('DATABASE_URL') ?? databaseUrl('DATABASE_OWNER_URL'),
    databaseOwnerUrl: databaseUrl('DATABASE_OWNER_URL'),
    operatorToken: env('STAGEDOOR_OPERATOR_TOKEN'),
    masterKey: env('STAGEDOOR_MASTER_KEY'),
    ivsEventsSecret: env('IVS_EVENTS_SECRET'),
  };
}

function checkedPorts(): Ports {
  try {
    return readPorts(process.env);
  } catch (error) {
    throw new UserError(reason(error), { cause: error });
  }
}

function databaseUrl(name: string): string | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  if (/^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  // The message does not repeat the value, which may hold a password.
  throw new UserError(
    `${name} is not an address of a Postgres. Remedy: ${name}=postgresql://user:password@host:5432/database`,
  );
}
