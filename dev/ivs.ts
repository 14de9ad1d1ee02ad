/** Which IVS the service is to talk to: the emulator, started here, or what the settings name. */
import path from 'node:path';

import { GetStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';

import { type Running, startNode } from './children.ts';
import type { DataDir } from './data-dir.ts';
import { answers } from './ports.mjs';
import { root, type Settings } from './settings.ts';
import { until } from './wait.ts';

export interface Ivs {
  /** Tells one IVS from another: what was made in the one is unknown in the other. */
  name: string;
  /** What the service's environment has to say of it. */
  env: NodeJS.ProcessEnv;
}

/** The emulator's own; they are public, and good for nothing elsewhere. */
const LOCAL = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_EC2_METADATA_DISABLED: 'true' };

/** Starts the emulator if it is what the settings mean. */
export async function startIvs(settings: Settings, data: DataDir, running: Running): Promise<Ivs> {
  const { ivs, region } = settings;
  if (ivs.kind === 'aws') return { name: `aws ${region}`, env: {} };
  if (ivs.kind === 'endpoint') {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE } = process.env;
    const hasOwn = AWS_PROFILE || (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY);
    return { name: ivs.url, env: { AWS_REGION: region, IVS_ENDPOINT: ivs.url, ...(hasOwn ? {} : LOCAL) } };
  }
  const bin = path.join(root, 'emulator/dist/bin.js');
  const args = [bin, '--port', String(ivs.port), '--data', data.path('emulator')];
  const emulator = running.add(startNode('emulator', args, process.env, data.path('logs', 'emulator.log')));
  await until(() => answers(ivs.port), emulator, `does not listen on port ${ivs.port}`);
  // The user's own credentials have no business there.
  const none = { AWS_PROFILE: undefined, AWS_SESSION_TOKEN: undefined };
  const IVS_ENDPOINT = `http://127.0.0.1:${ivs.port}`;
  return { name: 'emulator', env: { AWS_REGION: region, IVS_ENDPOINT, ...none, ...LOCAL } };
}

/** Whether a stage is known to be gone: deleted by hand, or with the emulator's data. */
export async function isStageGone(arn: string, { env }: Ivs): Promise<boolean> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, IVS_ENDPOINT: endpoint } = env;
  const client = new IVSRealTimeClient({
    region: arn.split(':')[3]!,
    maxAttempts: 1,
    ...(endpoint ? { endpoint } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  });
  try {
    await client.send(new GetStageCommand({ arn }), { abortSignal: AbortSignal.timeout(5_000) });
    return false;
  } catch (error) {
    // Any other failure leaves it open, and is no reason to make another one.
    return (error as Error).name === 'ResourceNotFoundException';
  } finally {
    client.destroy();
  }
}
