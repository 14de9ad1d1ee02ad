// Generated from models/ivs-realtime.json by scripts/generate-types.ts. Do not edit.

/** A moment as ISO 8601 text, as it travels. */
export type Timestamp = string;

export interface AutoParticipantRecordingConfiguration {
  storageConfigurationArn: string;
  mediaTypes?: ParticipantRecordingMediaType[];
  thumbnailConfiguration?: ParticipantThumbnailConfiguration;
  recordingReconnectWindowSeconds?: number;
  hlsConfiguration?: ParticipantRecordingHlsConfiguration;
  recordParticipantReplicas?: boolean;
}

export interface ChannelDestinationConfiguration {
  channelArn: string;
  encoderConfigurationArn?: string;
}

export interface Composition {
  arn: string;
  stageArn: string;
  state: CompositionState;
  layout: LayoutConfiguration;
  destinations: Destination[];
  tags?: Record<string, string>;
  startTime?: Timestamp;
  endTime?: Timestamp;
}

export interface CompositionRecordingHlsConfiguration {
  targetSegmentDurationSeconds?: number;
}

export type CompositionState = 'STARTING' | 'ACTIVE' | 'STOPPING' | 'FAILED' | 'STOPPED';

export interface CompositionSummary {
  arn: string;
  stageArn: string;
  destinations: DestinationSummary[];
  state: CompositionState;
  tags?: Record<string, string>;
  startTime?: Timestamp;
  endTime?: Timestamp;
}

export interface CompositionThumbnailConfiguration {
  targetIntervalSeconds?: number;
  storage?: ThumbnailStorageType[];
}

export interface CreateEncoderConfigurationRequest {
  name?: string;
  video?: Video;
  tags?: Record<string, string>;
}

export interface CreateEncoderConfigurationResponse {
  encoderConfiguration?: EncoderConfiguration;
}

export interface CreateIngestConfigurationRequest {
  name?: string;
  stageArn?: string;
  userId?: string;
  attributes?: Record<string, string>;
  ingestProtocol: IngestProtocol;
  insecureIngest?: boolean;
  redundantIngest?: boolean;
  tags?: Record<string, string>;
}

export interface CreateIngestConfigurationResponse {
  ingestConfiguration?: IngestConfiguration;
}

export interface CreateParticipantTokenRequest {
  stageArn: string;
  duration?: number;
  userId?: string;
  attributes?: Record<string, string>;
  capabilities?: ParticipantTokenCapability[];
}

export interface CreateParticipantTokenResponse {
  participantToken?: ParticipantToken;
}

export interface CreateStageRequest {
  name?: string;
  participantTokenConfigurations?: ParticipantTokenConfiguration[];
  tags?: Record<string, string>;
  autoParticipantRecordingConfiguration?: AutoParticipantRecordingConfiguration;
}

export interface CreateStageResponse {
  stage?: Stage;
  participantTokens?: ParticipantToken[];
}

export interface CreateStorageConfigurationRequest {
  name?: string;
  s3: S3StorageConfiguration;
  tags?: Record<string, string>;
}

export interface CreateStorageConfigurationResponse {
  storageConfiguration?: StorageConfiguration;
}

export interface DeleteEncoderConfigurationRequest {
  arn: string;
}

export type DeleteEncoderConfigurationResponse = Record<string, never>;

export interface DeleteIngestConfigurationRequest {
  arn: string;
  force?: boolean;
}

export type DeleteIngestConfigurationResponse = Record<string, never>;

export interface DeletePublicKeyRequest {
  arn: string;
}

export type DeletePublicKeyResponse = Record<string, never>;

export interface DeleteStageRequest {
  arn: string;
}

export type DeleteStageResponse = Record<string, never>;

export interface DeleteStorageConfigurationRequest {
  arn: string;
}

export type DeleteStorageConfigurationResponse = Record<string, never>;

export interface Destination {
  id: string;
  state: DestinationState;
  startTime?: Timestamp;
  endTime?: Timestamp;
  configuration: DestinationConfiguration;
  detail?: DestinationDetail;
}

export interface DestinationConfiguration {
  name?: string;
  channel?: ChannelDestinationConfiguration;
  s3?: S3DestinationConfiguration;
}

export interface DestinationDetail {
  s3?: S3Detail;
}

export type DestinationState = 'STARTING' | 'ACTIVE' | 'STOPPING' | 'RECONNECTING' | 'FAILED' | 'STOPPED';

export interface DestinationSummary {
  id: string;
  state: DestinationState;
  startTime?: Timestamp;
  endTime?: Timestamp;
}

export interface DisconnectParticipantRequest {
  stageArn: string;
  participantId: string;
  reason?: string;
}

export type DisconnectParticipantResponse = Record<string, never>;

export interface EncoderConfiguration {
  arn: string;
  name?: string;
  video?: Video;
  tags?: Record<string, string>;
}

export interface EncoderConfigurationSummary {
  arn: string;
  name?: string;
  tags?: Record<string, string>;
}

export interface Event {
  name?: EventName;
  participantId?: string;
  eventTime?: Timestamp;
  remoteParticipantId?: string;
  errorCode?: EventErrorCode;
  destinationStageArn?: string;
  destinationSessionId?: string;
  replica?: boolean;
  previousToken?: ExchangedParticipantToken;
  newToken?: ExchangedParticipantToken;
}

export type EventErrorCode =
  | 'INSUFFICIENT_CAPABILITIES'
  | 'QUOTA_EXCEEDED'
  | 'PUBLISHER_NOT_FOUND'
  | 'BITRATE_EXCEEDED'
  | 'RESOLUTION_EXCEEDED'
  | 'STREAM_DURATION_EXCEEDED'
  | 'INVALID_AUDIO_CODEC'
  | 'INVALID_VIDEO_CODEC'
  | 'INVALID_PROTOCOL'
  | 'INVALID_STREAM_KEY'
  | 'REUSE_OF_STREAM_KEY'
  | 'B_FRAME_PRESENT'
  | 'INVALID_INPUT'
  | 'INTERNAL_SERVER_EXCEPTION';

export type EventName =
  | 'JOINED'
  | 'LEFT'
  | 'PUBLISH_STARTED'
  | 'PUBLISH_STOPPED'
  | 'SUBSCRIBE_STARTED'
  | 'SUBSCRIBE_STOPPED'
  | 'PUBLISH_ERROR'
  | 'SUBSCRIBE_ERROR'
  | 'JOIN_ERROR'
  | 'REPLICATION_STARTED'
  | 'REPLICATION_STOPPED'
  | 'TOKEN_EXCHANGED';

export interface ExchangedParticipantToken {
  capabilities?: ParticipantTokenCapability[];
  attributes?: Record<string, string>;
  userId?: string;
  expirationTime?: Timestamp;
}

export interface GetCompositionRequest {
  arn: string;
}

export interface GetCompositionResponse {
  composition?: Composition;
}

export interface GetEncoderConfigurationRequest {
  arn: string;
}

export interface GetEncoderConfigurationResponse {
  encoderConfiguration?: EncoderConfiguration;
}

export interface GetIngestConfigurationRequest {
  arn: string;
}

export interface GetIngestConfigurationResponse {
  ingestConfiguration?: IngestConfiguration;
}

export interface GetParticipantRequest {
  stageArn: string;
  sessionId: string;
  participantId: string;
}

export interface GetParticipantResponse {
  participant?: Participant;
}

export interface GetPublicKeyRequest {
  arn: string;
}

export interface GetPublicKeyResponse {
  publicKey?: PublicKey;
}

export interface GetStageRequest {
  arn: string;
}

export interface GetStageResponse {
  stage?: Stage;
}

export interface GetStageSessionRequest {
  stageArn: string;
  sessionId: string;
}

export interface GetStageSessionResponse {
  stageSession?: StageSession;
}

export interface GetStorageConfigurationRequest {
  arn: string;
}

export interface GetStorageConfigurationResponse {
  storageConfiguration?: StorageConfiguration;
}

export interface GridConfiguration {
  featuredParticipantAttribute?: string;
  omitStoppedVideo?: boolean;
  videoAspectRatio?: VideoAspectRatio;
  videoFillMode?: VideoFillMode;
  gridGap?: number;
  participantOrderAttribute?: string;
}

export interface ImportPublicKeyRequest {
  publicKeyMaterial: string;
  name?: string;
  tags?: Record<string, string>;
}

export interface ImportPublicKeyResponse {
  publicKey?: PublicKey;
}

export interface IngestConfiguration {
  name?: string;
  arn: string;
  ingestProtocol: IngestProtocol;
  streamKey: string;
  stageArn: string;
  participantId: string;
  state: IngestConfigurationState;
  userId?: string;
  redundantIngest?: boolean;
  redundantIngestCredentials?: RedundantIngestCredential[];
  attributes?: Record<string, string>;
  tags?: Record<string, string>;
}

export type IngestConfigurationState = 'ACTIVE' | 'INACTIVE';

export interface IngestConfigurationSummary {
  name?: string;
  arn: string;
  ingestProtocol: IngestProtocol;
  stageArn: string;
  participantId: string;
  state: IngestConfigurationState;
  userId?: string;
  redundantIngest?: boolean;
}

export type IngestProtocol = 'RTMP' | 'RTMPS';

export interface LayoutConfiguration {
  grid?: GridConfiguration;
  pip?: PipConfiguration;
}

export interface ListCompositionsRequest {
  filterByStageArn?: string;
  filterByEncoderConfigurationArn?: string;
  nextToken?: string;
  maxResults?: number;
}

export interface ListCompositionsResponse {
  compositions: CompositionSummary[];
  nextToken?: string;
}

export interface ListEncoderConfigurationsRequest {
  nextToken?: string;
  maxResults?: number;
}

export interface ListEncoderConfigurationsResponse {
  encoderConfigurations: EncoderConfigurationSummary[];
  nextToken?: string;
}

export interface ListIngestConfigurationsRequest {
  filterByStageArn?: string;
  filterByState?: IngestConfigurationState;
  nextToken?: string;
  maxResults?: number;
}

export interface ListIngestConfigurationsResponse {
  ingestConfigurations: IngestConfigurationSummary[];
  nextToken?: string;
}

export interface ListParticipantEventsRequest {
  stageArn: string;
  sessionId: string;
  participantId: string;
  nextToken?: string;
  maxResults?: number;
}

export interface ListParticipantEventsResponse {
  events: Event[];
  nextToken?: string;
}

export interface ListParticipantReplicasRequest {
  sourceStageArn: string;
  participantId: string;
  nextToken?: string;
  maxResults?: number;
}

export interface ListParticipantReplicasResponse {
  replicas: ParticipantReplica[];
  nextToken?: string;
}

export interface ListParticipantsRequest {
  stageArn: string;
  sessionId: string;
  filterByUserId?: string;
  filterByPublished?: boolean;
  filterByState?: ParticipantState;
  nextToken?: string;
  maxResults?: number;
  filterByRecordingState?: ParticipantRecordingFilterByRecordingState;
}

export interface ListParticipantsResponse {
  participants: ParticipantSummary[];
  nextToken?: string;
}

export interface ListPublicKeysRequest {
  nextToken?: string;
  maxResults?: number;
}

export interface ListPublicKeysResponse {
  publicKeys: PublicKeySummary[];
  nextToken?: string;
}

export interface ListStageSessionsRequest {
  stageArn: string;
  nextToken?: string;
  maxResults?: number;
}

export interface ListStageSessionsResponse {
  stageSessions: StageSessionSummary[];
  nextToken?: string;
}

export interface ListStagesRequest {
  nextToken?: string;
  maxResults?: number;
}

export interface ListStagesResponse {
  stages: StageSummary[];
  nextToken?: string;
}

export interface ListStorageConfigurationsRequest {
  nextToken?: string;
  maxResults?: number;
}

export interface ListStorageConfigurationsResponse {
  storageConfigurations: StorageConfigurationSummary[];
  nextToken?: string;
}

export interface ListTagsForResourceRequest {
  resourceArn: string;
}

export interface ListTagsForResourceResponse {
  tags: Record<string, string>;
}

export interface Participant {
  participantId?: string;
  userId?: string;
  state?: ParticipantState;
  firstJoinTime?: Timestamp;
  attributes?: Record<string, string>;
  published?: boolean;
  ispName?: string;
  osName?: string;
  osVersion?: string;
  browserName?: string;
  browserVersion?: string;
  sdkVersion?: string;
  recordingS3BucketName?: string;
  recordingS3Prefix?: string;
  recordingState?: ParticipantRecordingState;
  protocol?: ParticipantProtocol;
  replicationType?: ReplicationType;
  replicationState?: ReplicationState;
  sourceStageArn?: string;
  sourceSessionId?: string;
  redundantIngest?: boolean;
  ingestConfigurationArn?: string;
}

export type ParticipantProtocol = 'UNKNOWN' | 'WHIP' | 'RTMP' | 'RTMPS';

export type ParticipantRecordingFilterByRecordingState = 'STARTING' | 'ACTIVE' | 'STOPPING' | 'STOPPED' | 'FAILED';

export interface ParticipantRecordingHlsConfiguration {
  targetSegmentDurationSeconds?: number;
}

export type ParticipantRecordingMediaType = 'AUDIO_VIDEO' | 'AUDIO_ONLY' | 'NONE';

export type ParticipantRecordingState = 'STARTING' | 'ACTIVE' | 'STOPPING' | 'STOPPED' | 'FAILED' | 'DISABLED';

export interface ParticipantReplica {
  sourceStageArn: string;
  participantId: string;
  sourceSessionId: string;
  destinationStageArn: string;
  destinationSessionId: string;
  replicationState: ReplicationState;
}

export type ParticipantState = 'CONNECTED' | 'DISCONNECTED';

export interface ParticipantSummary {
  participantId?: string;
  userId?: string;
  state?: ParticipantState;
  firstJoinTime?: Timestamp;
  published?: boolean;
  recordingState?: ParticipantRecordingState;
  replicationType?: ReplicationType;
  replicationState?: ReplicationState;
  sourceStageArn?: string;
  sourceSessionId?: string;
  redundantIngest?: boolean;
  ingestConfigurationArn?: string;
}

export interface ParticipantThumbnailConfiguration {
  targetIntervalSeconds?: number;
  storage?: ThumbnailStorageType[];
  recordingMode?: ThumbnailRecordingMode;
}

export interface ParticipantToken {
  participantId?: string;
  token?: string;
  userId?: string;
  attributes?: Record<string, string>;
  duration?: number;
  capabilities?: ParticipantTokenCapability[];
  expirationTime?: Timestamp;
}

export type ParticipantTokenCapability = 'PUBLISH' | 'SUBSCRIBE';

export interface ParticipantTokenConfiguration {
  duration?: number;
  userId?: string;
  attributes?: Record<string, string>;
  capabilities?: ParticipantTokenCapability[];
}

export type PipBehavior = 'STATIC' | 'DYNAMIC';

export interface PipConfiguration {
  featuredParticipantAttribute?: string;
  omitStoppedVideo?: boolean;
  videoFillMode?: VideoFillMode;
  gridGap?: number;
  pipParticipantAttribute?: string;
  pipBehavior?: PipBehavior;
  pipOffset?: number;
  pipPosition?: PipPosition;
  pipWidth?: number;
  pipHeight?: number;
  participantOrderAttribute?: string;
}

export type PipPosition = 'TOP_LEFT' | 'TOP_RIGHT' | 'BOTTOM_LEFT' | 'BOTTOM_RIGHT';

export interface PublicKey {
  arn?: string;
  name?: string;
  publicKeyMaterial?: string;
  fingerprint?: string;
  tags?: Record<string, string>;
}

export interface PublicKeySummary {
  arn?: string;
  name?: string;
  tags?: Record<string, string>;
}

export interface RecordingConfiguration {
  hlsConfiguration?: CompositionRecordingHlsConfiguration;
  format?: RecordingConfigurationFormat;
}

export type RecordingConfigurationFormat = 'HLS';

export interface RedundantIngestCredential {
  participantId?: string;
  streamKey?: string;
}

export type ReplicationState = 'ACTIVE' | 'STOPPED';

export type ReplicationType = 'SOURCE' | 'REPLICA' | 'NONE';

export interface S3DestinationConfiguration {
  storageConfigurationArn: string;
  encoderConfigurationArns: string[];
  recordingConfiguration?: RecordingConfiguration;
  thumbnailConfigurations?: CompositionThumbnailConfiguration[];
}

export interface S3Detail {
  recordingPrefix: string;
}

export interface S3StorageConfiguration {
  bucketName: string;
}

export interface Stage {
  arn: string;
  name?: string;
  activeSessionId?: string;
  tags?: Record<string, string>;
  autoParticipantRecordingConfiguration?: AutoParticipantRecordingConfiguration;
  endpoints?: StageEndpoints;
}

export interface StageEndpoints {
  events?: string;
  whip?: string;
  rtmp?: string;
  rtmps?: string;
}

export interface StageSession {
  sessionId?: string;
  startTime?: Timestamp;
  endTime?: Timestamp;
}

export interface StageSessionSummary {
  sessionId?: string;
  startTime?: Timestamp;
  endTime?: Timestamp;
}

export interface StageSummary {
  arn: string;
  name?: string;
  activeSessionId?: string;
  tags?: Record<string, string>;
}

export interface StartCompositionRequest {
  stageArn: string;
  idempotencyToken?: string;
  layout?: LayoutConfiguration;
  destinations: DestinationConfiguration[];
  tags?: Record<string, string>;
}

export interface StartCompositionResponse {
  composition?: Composition;
}

export interface StartParticipantReplicationRequest {
  sourceStageArn: string;
  destinationStageArn: string;
  participantId: string;
  reconnectWindowSeconds?: number;
  attributes?: Record<string, string>;
}

export type StartParticipantReplicationResponse = Record<string, never>;

export interface StopCompositionRequest {
  arn: string;
}

export type StopCompositionResponse = Record<string, never>;

export interface StopParticipantReplicationRequest {
  sourceStageArn: string;
  destinationStageArn: string;
  participantId: string;
}

export type StopParticipantReplicationResponse = Record<string, never>;

export interface StorageConfiguration {
  arn: string;
  name?: string;
  s3?: S3StorageConfiguration;
  tags?: Record<string, string>;
}

export interface StorageConfigurationSummary {
  arn: string;
  name?: string;
  s3?: S3StorageConfiguration;
  tags?: Record<string, string>;
}

export interface TagResourceRequest {
  resourceArn: string;
  tags: Record<string, string>;
}

export type TagResourceResponse = Record<string, never>;

export type ThumbnailRecordingMode = 'INTERVAL' | 'DISABLED';

export type ThumbnailStorageType = 'SEQUENTIAL' | 'LATEST';

export interface UntagResourceRequest {
  resourceArn: string;
  tagKeys: string[];
}

export type UntagResourceResponse = Record<string, never>;

export interface UpdateIngestConfigurationRequest {
  arn: string;
  stageArn?: string;
  redundantIngest?: boolean;
}

export interface UpdateIngestConfigurationResponse {
  ingestConfiguration?: IngestConfiguration;
}

export interface UpdateStageRequest {
  arn: string;
  name?: string;
  autoParticipantRecordingConfiguration?: AutoParticipantRecordingConfiguration;
}

export interface UpdateStageResponse {
  stage?: Stage;
}

export interface Video {
  width?: number;
  height?: number;
  framerate?: number;
  bitrate?: number;
}

export type VideoAspectRatio = 'AUTO' | 'VIDEO' | 'SQUARE' | 'PORTRAIT';

export type VideoFillMode = 'FILL' | 'COVER' | 'CONTAIN';

export interface Operations {
  CreateEncoderConfiguration: { input: CreateEncoderConfigurationRequest; output: CreateEncoderConfigurationResponse };
  CreateIngestConfiguration: { input: CreateIngestConfigurationRequest; output: CreateIngestConfigurationResponse };
  CreateParticipantToken: { input: CreateParticipantTokenRequest; output: CreateParticipantTokenResponse };
  CreateStage: { input: CreateStageRequest; output: CreateStageResponse };
  CreateStorageConfiguration: { input: CreateStorageConfigurationRequest; output: CreateStorageConfigurationResponse };
  DeleteEncoderConfiguration: { input: DeleteEncoderConfigurationRequest; output: DeleteEncoderConfigurationResponse };
  DeleteIngestConfiguration: { input: DeleteIngestConfigurationRequest; output: DeleteIngestConfigurationResponse };
  DeletePublicKey: { input: DeletePublicKeyRequest; output: DeletePublicKeyResponse };
  DeleteStage: { input: DeleteStageRequest; output: DeleteStageResponse };
  DeleteStorageConfiguration: { input: DeleteStorageConfigurationRequest; output: DeleteStorageConfigurationResponse };
  DisconnectParticipant: { input: DisconnectParticipantRequest; output: DisconnectParticipantResponse };
  GetComposition: { input: GetCompositionRequest; output: GetCompositionResponse };
  GetEncoderConfiguration: { input: GetEncoderConfigurationRequest; output: GetEncoderConfigurationResponse };
  GetIngestConfiguration: { input: GetIngestConfigurationRequest; output: GetIngestConfigurationResponse };
  GetParticipant: { input: GetParticipantRequest; output: GetParticipantResponse };
  GetPublicKey: { input: GetPublicKeyRequest; output: GetPublicKeyResponse };
  GetStage: { input: GetStageRequest; output: GetStageResponse };
  GetStageSession: { input: GetStageSessionRequest; output: GetStageSessionResponse };
  GetStorageConfiguration: { input: GetStorageConfigurationRequest; output: GetStorageConfigurationResponse };
  ImportPublicKey: { input: ImportPublicKeyRequest; output: ImportPublicKeyResponse };
  ListCompositions: { input: ListCompositionsRequest; output: ListCompositionsResponse };
  ListEncoderConfigurations: { input: ListEncoderConfigurationsRequest; output: ListEncoderConfigurationsResponse };
  ListIngestConfigurations: { input: ListIngestConfigurationsRequest; output: ListIngestConfigurationsResponse };
  ListParticipantEvents: { input: ListParticipantEventsRequest; output: ListParticipantEventsResponse };
  ListParticipantReplicas: { input: ListParticipantReplicasRequest; output: ListParticipantReplicasResponse };
  ListParticipants: { input: ListParticipantsRequest; output: ListParticipantsResponse };
  ListPublicKeys: { input: ListPublicKeysRequest; output: ListPublicKeysResponse };
  ListStageSessions: { input: ListStageSessionsRequest; output: ListStageSessionsResponse };
  ListStages: { input: ListStagesRequest; output: ListStagesResponse };
  ListStorageConfigurations: { input: ListStorageConfigurationsRequest; output: ListStorageConfigurationsResponse };
  ListTagsForResource: { input: ListTagsForResourceRequest; output: ListTagsForResourceResponse };
  StartComposition: { input: StartCompositionRequest; output: StartCompositionResponse };
  StartParticipantReplication: {
    input: StartParticipantReplicationRequest;
    output: StartParticipantReplicationResponse;
  };
  StopComposition: { input: StopCompositionRequest; output: StopCompositionResponse };
  StopParticipantReplication: { input: StopParticipantReplicationRequest; output: StopParticipantReplicationResponse };
  TagResource: { input: TagResourceRequest; output: TagResourceResponse };
  UntagResource: { input: UntagResourceRequest; output: UntagResourceResponse };
  UpdateIngestConfiguration: { input: UpdateIngestConfigurationRequest; output: UpdateIngestConfigurationResponse };
  UpdateStage: { input: UpdateStageRequest; output: UpdateStageResponse };
}
