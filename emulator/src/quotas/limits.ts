/** How many resources of each kind one account may have in one Region (AWS docs, service quotas). */
export interface CountLimits {
  stages: number;
  publicKeys: number;
  encoderConfigurations: number;
  storageConfigurations: number;
  ingestConfigurations: number;
  /** Compositions that have not ended. */
  compositions: number;
  compositionsPerStage: number;
  publishersPerStage: number;
  /** AWS counts participants that subscribe. The emulator counts participants that are connected. */
  participantsPerStage: number;
  replicationsPerParticipant: number;
  loggingConfigurations: number;
  chatConnections: number;
}

export const AWS_COUNT_LIMITS: Readonly<CountLimits> = {
  stages: 1000,
  publicKeys: 3,
  encoderConfigurations: 20,
  storageConfigurations: 5,
  ingestConfigurations: 100,
  compositions: 20,
  compositionsPerStage: 5,
  publishersPerStage: 12,
  participantsPerStage: 10_000,
  replicationsPerParticipant: 5,
  loggingConfigurations: 10,
  chatConnections: 50_000,
};

const TAG_RATES = { TagResource: 10, UntagResource: 10, ListTagsForResource: 10 };

/** The operations that have their own rate on AWS's quota page, in calls a second. */
const NAMED_RATES: Record<string, Record<string, number>> = {
  ivs: {
    ...TAG_RATES,
    CreateParticipantToken: 50,
    ImportPublicKey: 3,
    GetPublicKey: 3,
    ListPublicKeys: 3,
    DeletePublicKey: 3,
  },
  ivschat: {
    ...TAG_RATES,
    CreateChatToken: 200,
    DeleteMessage: 100,
    DisconnectUser: 100,
    SendEvent: 100,
    CreateLoggingConfiguration: 3,
    GetLoggingConfiguration: 3,
    UpdateLoggingConfiguration: 3,
    DeleteLoggingConfiguration: 3,
    ListLoggingConfigurations: 3,
  },
};

/** The rate of every other operation, in calls a second. AWS's quota page does not list the replication operations. */
const COMMON_RATE = 5;

/** The calls a second that AWS allows for an operation, in each account and Region (AWS docs, service quotas). */
export function awsRate(service: string, operation: string): number {
  return NAMED_RATES[service]?.[operation] ?? COMMON_RATE;
}
