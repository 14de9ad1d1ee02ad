import type { Credential } from './accounts/credentials.ts';
import type { Role } from './accounts/sts.ts';
import type { EventSettings } from './eventbridge/event-bus.ts';
import type { CountLimits } from './quotas/limits.ts';
import type { RateMode } from './quotas/rates.ts';
import type { Switches } from './state/switches.ts';

/** How an emulator is started. Everything has a default. */
export interface EmulatorOptions {
  /** 4580; 0 for any free port. */
  port?: number;
  /** 127.0.0.1. */
  host?: string;
  /** Must be set to listen on anything but loopback: there is nothing here that keeps strangers out. */
  allowRemote?: boolean;
  /** Credentials besides the local ones. */
  credentials?: Credential[];
  /** Take requests without a signature as those of account 111122223333. */
  allowUnsigned?: boolean;
  /** The Region of unsigned requests: us-east-1. */
  defaultRegion?: string;
  /** Regions that have the services: AWS's seven. */
  regions?: string[] | 'any';
  /** Roles that AssumeRole refuses without their external id. */
  roles?: Role[];
  /** How call rates are held: `on`. */
  quotas?: RateMode;
  /** Calls a second of single operations, instead of AWS's. */
  rates?: Record<string, number>;
  /** How many of a thing there may be, instead of AWS's figures. */
  limits?: Partial<CountLimits>;
  switches?: Partial<Switches>;
  /** Where events go that IVS gives to EventBridge, and how badly they are delivered. */
  events?: Partial<EventSettings>;
  /** The HTTP endpoint that stands for each message review handler, by the ARN of its Lambda function. */
  reviewHandlers?: Record<string, string>;
  /** Folder for what chat logging writes to S3, CloudWatch Logs and Firehose. Without it nothing is written. */
  chatLogs?: string;
  /** Fail rather than answer what the service model does not allow: for the emulator's own tests. */
  checkOutputs?: boolean;
  /** Folder to keep state in over restarts. */
  data?: string;
  /** File of things to create at the start. */
  seed?: string;
}

export const DEFAULT_PORT = 4580;

/** Where AWS has the two control planes (AWS General Reference). */
export const AWS_REGIONS: readonly string[] = [
  'us-east-1',
  'us-west-2',
  'eu-west-1',
  'eu-central-1',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
];

/** Whether a host can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
