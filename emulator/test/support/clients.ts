import { IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { IvschatClient } from '@aws-sdk/client-ivschat';
import { STSClient } from '@aws-sdk/client-sts';
import { Emulator, type EmulatorOptions } from '../../src/index.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export const LOCAL: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
export const OTHER_ACCOUNT: Credentials = { accessKeyId: '999988887777', secretAccessKey: 'local' };

/** Starts an emulator without call rates, because few tests are about rates. */
export function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return Emulator.start({ port: 0, quotas: 'off', checkOutputs: true, ...options });
}

/** The settings of an SDK client for an emulator. It makes one attempt only, so that a test sees the first answer. */
export function clientSettings(ivs: Emulator, credentials: Credentials = LOCAL, region = 'us-west-2') {
  return { endpoint: ivs.url, region, credentials, maxAttempts: 1 };
}

export function realtime(ivs: Emulator, credentials?: Credentials, region?: string): IVSRealTimeClient {
  return new IVSRealTimeClient(clientSettings(ivs, credentials, region));
}

export function chat(ivs: Emulator, credentials?: Credentials, region?: string): IvschatClient {
  return new IvschatClient(clientSettings(ivs, credentials, region));
}

export function sts(ivs: Emulator, credentials?: Credentials): STSClient {
  return new STSClient(clientSettings(ivs, credentials));
}
