/** The IVS that the service talks to: the emulator, which is started here, or what the settings name. */
import { GetStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';

import { rotateLog, type Running, startNode } from './children.ts';
import type { DataDir } from './data-dir.ts';
import { answers } from './ports.mjs';
import type { Settings } from './settings.ts';
import { UserError } from './user-error.mjs';
import { until } from './wait.ts';

export interface Ivs {
  /** Tells one IVS from another. A stage of one is unknown in the other. */
  name: string;
  /** What the service needs in its environment to reach it. */
  env: NodeJS.ProcessEnv;
}

/** Credentials of the emulator. They are public, and worth nothing elsewhere. */
const LOCAL = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_EC2_METADATA_DISABLED: 'true' };

/** Starts the emulator if the settings mean it. `emulator` is what `node` is called with to run it. */
export async function startIvs(
  settings: Settings,
  data: DataDir,
  running: Running,
  emulator: readonly string[],
): Promise<Ivs> {
  const { ivs, region } = settings;
  if (ivs.kind === 'aws') return { name: `aws ${region}`, env: {} };
  if (ivs.kind === 'endpoint') {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE } = process.env;
    const hasOwn = AWS_PROFILE || (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY);
    return { name: ivs.url, env: { AWS_REGION: region, IVS_ENDPOINT: ivs.url, ...(hasOwn ? {} : LOCAL) } };
  }
  console.error('Starting the IVS emulator …');
  const program = {
    name: 'emulator',
    args: [...emulator, '--port', String(ivs.port), '--data', data.path('emulator')],
    env: process.env,
    logFile: rotateLog(data.path('logs', 'emulator.log')),
  };
  const child = running.add(startNode(program));
  await until(() => answers(ivs.port), child, `does not listen on port ${ivs.port}`);
  // The emulator never gets the user's own credentials.
  const none = { AWS_PROFILE: undefined, AWS_SESSION_TOKEN: undefined };
  const IVS_ENDPOINT = `http://127.0.0.1:${ivs.port}`;
  return { name: 'emulator', env: { AWS_REGION: region, IVS_ENDPOINT, ...none, ...LOCAL } };
}

/**
 * Makes the emulator send its events to the service, as EventBridge does. What it sends while the service restarts is sent again.
 * @param secrets the setting IVS_EVENTS_SECRET: one secret, or two with a comma between.
 */
export async function sendEventsTo(url: string, secrets: string, { env }: Ivs): Promise<void> {
  const [secret = ''] = secrets.split(',');
  const targets = [{ url, headers: { 'x-stagedoor-ingest-secret': secret.trim() } }];
  const answer = await fetch(`${env['IVS_ENDPOINT']}/_emulator/events/settings`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ targets }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new UserError(`The emulator does not send its events: ${await answer.text()}`);
}

/** Whether IVS says that a stage does not exist: somebody deleted it, or the emulator's data. */
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
    // Any other failure says nothing about the stage, and is no reason to make another one.
    return (error as Error).name === 'ResourceNotFoundException';
  } finally {
    client.destroy();
  }
}
