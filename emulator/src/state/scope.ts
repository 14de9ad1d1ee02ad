import type { CreateLoggingConfigurationResponse, CreateRoomResponse } from '../chat/types.ts';
import type {
  Composition,
  EncoderConfiguration,
  Event,
  IngestConfiguration,
  Participant,
  ParticipantReplica,
  PublicKey,
  Stage,
  StartCompositionRequest,
  StorageConfiguration,
} from '../realtime/types.ts';

/** A room as IVS Chat answers it. The members that every room has are required here. */
export type Room = CreateRoomResponse &
  Required<
    Pick<
      CreateRoomResponse,
      'arn' | 'id' | 'createTime' | 'updateTime' | 'maximumMessageRatePerSecond' | 'maximumMessageLength' | 'tags'
    >
  >;

/** A logging configuration as IVS Chat answers it. The members that every one has are required here. */
export type LoggingConfiguration = CreateLoggingConfigurationResponse &
  Required<Pick<CreateLoggingConfigurationResponse, 'arn' | 'id' | 'createTime' | 'updateTime' | 'tags'>>;

/** A participant of one session, connected or not. */
export interface ParticipantLife {
  /** What GetParticipant answers. */
  participant: Participant & { participantId: string };
  events: Event[];
  /** How the participant got in. */
  mint: TokenMint;
  capabilities: { publish: boolean; subscribe: boolean };
  /** When the token expires, in milliseconds since 1970. */
  tokenExpiresAt: number;
  /** The public key that verified the token, if it was self-signed. */
  keyArn?: string;
  /** Counts the joins of this participant id. A higher number shows that a newer connection replaced an older one. */
  connection: number;
  /** Whether the participant sends media now. `participant.published` says whether they ever did. */
  publishing: boolean;
  /** Whether the client has muted what it sends. The control plane of IVS does not show it; other clients see it. */
  muted?: boolean;
  /** Why the last connection ended. */
  leaveReason?: LeaveReason;
}

/**
 * Who made the token of a participant: `ivs` made it in CreateParticipantToken, or the customer signed it with a
 * `key-pair`. Participants of an `ingest` configuration and a `replica` have no token.
 */
export type TokenMint = 'ivs' | 'key-pair' | 'ingest' | 'replica';

/** Why a connection ended, in the words of AWS's web client (observed in SDK). */
export type LeaveReason =
  | 'user-initiated'
  | 'token-reused'
  | 'participant-disconnected'
  | 'stage-deleted'
  | 'token-expired'
  | 'key-deleted';

/** A session lasts from the first join to the last leave (service model). */
export interface SessionLife {
  sessionId: string;
  startTime: string;
  endTime?: string;
  participants: Map<string, ParticipantLife>;
}

/** The history of a stage. */
export interface StageLife {
  /** Oldest first. */
  sessions: SessionLife[];
  /** The participant ids that DisconnectParticipant disconnected, and when, in milliseconds since 1970. */
  kicked: Map<string, number>;
  /** The participant ids whose token was used a second time. */
  replaced: Set<string>;
}

/** A replication, active or ended. */
export interface Replication extends ParticipantReplica {
  reconnectWindowSeconds: number;
  /** When the source participant left. It is set only while they may still come back. */
  sourceLeftAt?: number;
}

/**
 * Everything that one account has in one Region. The keys of the maps are ARNs, except where a comment says otherwise.
 */
export interface Scope {
  account: string;
  region: string;
  stages: Map<string, Stage>;
  stageLives: Map<string, StageLife>;
  publicKeys: Map<string, PublicKey & { publicKeyMaterial: string }>;
  encoderConfigurations: Map<string, EncoderConfiguration>;
  storageConfigurations: Map<string, StorageConfiguration>;
  ingestConfigurations: Map<string, IngestConfiguration>;
  compositions: Map<string, Composition>;
  /** For each idempotency token of StartComposition: the input, and the composition that it started. */
  compositionStarts: Map<string, { arn: string; wish: Omit<StartCompositionRequest, 'idempotencyToken'> }>;
  replications: Replication[];
  rooms: Map<string, Room>;
  loggingConfigurations: Map<string, LoggingConfiguration>;
}

export function emptyScope(account: string, region: string): Scope {
  return {
    account,
    region,
    stages: new Map(),
    stageLives: new Map(),
    publicKeys: new Map(),
    encoderConfigurations: new Map(),
    storageConfigurations: new Map(),
    ingestConfigurations: new Map(),
    compositions: new Map(),
    compositionStarts: new Map(),
    replications: [],
    rooms: new Map(),
    loggingConfigurations: new Map(),
  };
}

/** A participant, the stage they are on, and the account and Region that both belong to. */
export interface Presence {
  scope: Scope;
  stage: Stage;
  participant: ParticipantLife;
}
