import type { CreateLoggingConfigurationResponse, CreateRoomResponse, MessageReviewHandler } from '../chat/types.ts';
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

/** A room as the service answers it, with what is always there. */
export type Room = CreateRoomResponse &
  Required<
    Pick<
      CreateRoomResponse,
      'arn' | 'id' | 'createTime' | 'updateTime' | 'maximumMessageRatePerSecond' | 'maximumMessageLength' | 'tags'
    >
  > & { messageReviewHandler: MessageReviewHandler };

/** A logging configuration as the service answers it. */
export type LoggingConfiguration = CreateLoggingConfigurationResponse &
  Required<Pick<CreateLoggingConfigurationResponse, 'arn' | 'id' | 'createTime' | 'updateTime' | 'tags'>>;

/** A participant of one session, connected or gone. */
export interface ParticipantLife {
  /** As GetParticipant answers it. */
  participant: Participant & { participantId: string };
  events: Event[];
  /** Where the connection came from; a join with the same token makes another one. */
  mint: TokenMint;
  capabilities: { publish: boolean; subscribe: boolean };
  /** When the token ends, milliseconds since 1970. */
  tokenExpiresAt: number;
  /** The public key that verified the token, if it was self-signed. */
  keyArn?: string;
  /** Counts the joins, so that a holder can tell whether it was replaced. */
  connection: number;
  /** Whether media is being sent now; `participant.published` says whether it ever was. */
  publishing: boolean;
  /** Why the last connection ended. */
  leaveReason?: LeaveReason;
}

/** Who made a token: IVS, by CreateParticipantToken, or the holder of a key pair; `ingest` and `replica` have none. */
export type TokenMint = 'ivs' | 'key-pair' | 'ingest' | 'replica';

/** Why a participant is not connected any more, in the words of AWS's web client (observed in SDK). */
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

/** What happened on a stage. */
export interface StageLife {
  /** Oldest first. */
  sessions: SessionLife[];
  /** Participant ids that were thrown out, and when (milliseconds since 1970). */
  kicked: Map<string, number>;
  /** Participant ids whose token was used a second time. */
  replaced: Set<string>;
}

/** A running or ended replication. */
export interface Replication extends ParticipantReplica {
  reconnectWindowSeconds: number;
  /** When the source participant left, while the window to come back is open. */
  sourceLeftAt?: number;
}

/** Everything one account has in one Region. Every map is keyed by ARN. */
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
  /** What each idempotency token of StartComposition asked for, and what came of it. */
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
