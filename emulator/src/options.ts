import type { Credential } from './accounts/credentials.ts';
import type { Role } from './accounts/sts.ts';
import type { EventSettings } from './eventbridge/event-bus.ts';
import type { CountLimits } from './quotas/limits.ts';
import type { RateMode } from './quotas/rates.ts';
import type { Switches } from './state/switches.ts';

/** The settings of an emulator. Each of them has a default. */
export interface EmulatorOptions {
  /** The TCP port. The default is 4580; 0 picks a free port. */
  port?: number;
  /** The address to listen on. The default is 127.0.0.1. */
  host?: string;
  /** Allows a `host` that other machines can reach. The emulator has no protection against strangers. */
  allowRemote?: boolean;
  /** Credentials that work in addition to the local ones. */
  credentials?: Credential[];
  /** Accepts requests without a signature. They count as requests of account 111122223333. */
  allowUnsigned?: boolean;
  /** The Region of requests without a signature. The default is us-east-1. */
  defaultRegion?: string;
  /** The Regions that have the services. The default is the seven Regions that AWS has. */
  regions?: string[] | 'any';
  /** Roles that AssumeRole refuses when their external id is missing or wrong. */
  roles?: Role[];
  /** How call rates are enforced. The default is `on`. */
  quotas?: RateMode;
  /** Calls a second, by operation. An operation that is not listed has the rate of AWS. */
  rates?: Record<string, number>;
  /** How many resources of each kind may exist. A kind that is not listed has the limit of AWS. */
  limits?: Partial<CountLimits>;
  /** How the emulator behaves where AWS documents nothing. */
  switches?: Partial<Switches>;
  /** Where the events for EventBridge go, and how unreliable their delivery is. */
  events?: Partial<EventSettings>;
  /** The HTTP endpoint that takes the place of each message review handler, by the ARN of its Lambda function. */
  reviewHandlers?: Record<string, string>;
  /**
   * The folder that takes the place of S3, CloudWatch Logs and Firehose for chat logs. Without it, no logs are written.
   */
  chatLogs?: string;
  /** Answers 500 when an output breaks the service model. The emulator's own tests set it. */
  checkOutputs?: boolean;
  /** The folder that keeps the state across restarts. Without it, the state is lost when the emulator stops. */
  data?: string;
  /** A JSON file with the resources to create at the start. */
  seed?: string;
}

export const DEFAULT_PORT = 4580;

/** The Regions in which AWS has both control planes (AWS General Reference). */
export const AWS_REGIONS: readonly string[] = [
  'us-east-1',
  'us-west-2',
  'eu-west-1',
  'eu-central-1',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
];

/** Whether only this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
