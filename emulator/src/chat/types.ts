// Generated from models/ivschat.json by scripts/generate-types.ts. Do not edit.

/** A moment as ISO 8601 text, as it travels. */
export type Timestamp = string;

export type ChatTokenCapability = 'SEND_MESSAGE' | 'DISCONNECT_USER' | 'DELETE_MESSAGE';

export interface CloudWatchLogsDestinationConfiguration {
  logGroupName: string;
}

export interface CreateChatTokenRequest {
  roomIdentifier: string;
  userId: string;
  capabilities?: ChatTokenCapability[];
  sessionDurationInMinutes?: number;
  attributes?: Record<string, string>;
}

export interface CreateChatTokenResponse {
  token?: string;
  tokenExpirationTime?: Timestamp;
  sessionExpirationTime?: Timestamp;
}

export interface CreateLoggingConfigurationRequest {
  name?: string;
  destinationConfiguration: DestinationConfiguration;
  tags?: Record<string, string>;
}

export interface CreateLoggingConfigurationResponse {
  arn?: string;
  id?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  name?: string;
  destinationConfiguration?: DestinationConfiguration;
  state?: CreateLoggingConfigurationState;
  tags?: Record<string, string>;
}

export type CreateLoggingConfigurationState = 'ACTIVE';

export interface CreateRoomRequest {
  name?: string;
  maximumMessageRatePerSecond?: number;
  maximumMessageLength?: number;
  messageReviewHandler?: MessageReviewHandler;
  tags?: Record<string, string>;
  loggingConfigurationIdentifiers?: string[];
}

export interface CreateRoomResponse {
  arn?: string;
  id?: string;
  name?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  maximumMessageRatePerSecond?: number;
  maximumMessageLength?: number;
  messageReviewHandler?: MessageReviewHandler;
  tags?: Record<string, string>;
  loggingConfigurationIdentifiers?: string[];
}

export interface DeleteLoggingConfigurationRequest {
  identifier: string;
}

export interface DeleteMessageRequest {
  roomIdentifier: string;
  id: string;
  reason?: string;
}

export interface DeleteMessageResponse {
  id?: string;
}

export interface DeleteRoomRequest {
  identifier: string;
}

export interface DestinationConfiguration {
  s3?: S3DestinationConfiguration;
  cloudWatchLogs?: CloudWatchLogsDestinationConfiguration;
  firehose?: FirehoseDestinationConfiguration;
}

export interface DisconnectUserRequest {
  roomIdentifier: string;
  userId: string;
  reason?: string;
}

export type DisconnectUserResponse = Record<string, never>;

export type FallbackResult = 'ALLOW' | 'DENY';

export interface FirehoseDestinationConfiguration {
  deliveryStreamName: string;
}

export interface GetLoggingConfigurationRequest {
  identifier: string;
}

export interface GetLoggingConfigurationResponse {
  arn?: string;
  id?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  name?: string;
  destinationConfiguration?: DestinationConfiguration;
  state?: LoggingConfigurationState;
  tags?: Record<string, string>;
}

export interface GetRoomRequest {
  identifier: string;
}

export interface GetRoomResponse {
  arn?: string;
  id?: string;
  name?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  maximumMessageRatePerSecond?: number;
  maximumMessageLength?: number;
  messageReviewHandler?: MessageReviewHandler;
  tags?: Record<string, string>;
  loggingConfigurationIdentifiers?: string[];
}

export interface ListLoggingConfigurationsRequest {
  nextToken?: string;
  maxResults?: number;
}

export interface ListLoggingConfigurationsResponse {
  loggingConfigurations: LoggingConfigurationSummary[];
  nextToken?: string;
}

export interface ListRoomsRequest {
  name?: string;
  nextToken?: string;
  maxResults?: number;
  messageReviewHandlerUri?: string;
  loggingConfigurationIdentifier?: string;
}

export interface ListRoomsResponse {
  rooms: RoomSummary[];
  nextToken?: string;
}

export interface ListTagsForResourceRequest {
  resourceArn: string;
}

export interface ListTagsForResourceResponse {
  tags: Record<string, string>;
}

export type LoggingConfigurationState =
  | 'CREATING'
  | 'CREATE_FAILED'
  | 'DELETING'
  | 'DELETE_FAILED'
  | 'UPDATING'
  | 'UPDATE_FAILED'
  | 'ACTIVE';

export interface LoggingConfigurationSummary {
  arn?: string;
  id?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  name?: string;
  destinationConfiguration?: DestinationConfiguration;
  state?: LoggingConfigurationState;
  tags?: Record<string, string>;
}

export interface MessageReviewHandler {
  uri?: string;
  fallbackResult?: FallbackResult;
}

export type ResourceType = 'ROOM';

export interface RoomSummary {
  arn?: string;
  id?: string;
  name?: string;
  messageReviewHandler?: MessageReviewHandler;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  tags?: Record<string, string>;
  loggingConfigurationIdentifiers?: string[];
}

export interface S3DestinationConfiguration {
  bucketName: string;
}

export interface SendEventRequest {
  roomIdentifier: string;
  eventName: string;
  attributes?: Record<string, string>;
}

export interface SendEventResponse {
  id?: string;
}

export interface TagResourceRequest {
  resourceArn: string;
  tags: Record<string, string>;
}

export type TagResourceResponse = Record<string, never>;

export interface UntagResourceRequest {
  resourceArn: string;
  tagKeys: string[];
}

export type UntagResourceResponse = Record<string, never>;

export interface UpdateLoggingConfigurationRequest {
  identifier: string;
  name?: string;
  destinationConfiguration?: DestinationConfiguration;
}

export interface UpdateLoggingConfigurationResponse {
  arn?: string;
  id?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  name?: string;
  destinationConfiguration?: DestinationConfiguration;
  state?: UpdateLoggingConfigurationState;
  tags?: Record<string, string>;
}

export type UpdateLoggingConfigurationState = 'ACTIVE';

export interface UpdateRoomRequest {
  identifier: string;
  name?: string;
  maximumMessageRatePerSecond?: number;
  maximumMessageLength?: number;
  messageReviewHandler?: MessageReviewHandler;
  loggingConfigurationIdentifiers?: string[];
}

export interface UpdateRoomResponse {
  arn?: string;
  id?: string;
  name?: string;
  createTime?: Timestamp;
  updateTime?: Timestamp;
  maximumMessageRatePerSecond?: number;
  maximumMessageLength?: number;
  messageReviewHandler?: MessageReviewHandler;
  tags?: Record<string, string>;
  loggingConfigurationIdentifiers?: string[];
}

export interface ValidationExceptionField {
  name: string;
  message: string;
}

export type ValidationExceptionReason = 'UNKNOWN_OPERATION' | 'FIELD_VALIDATION_FAILED' | 'OTHER';

export interface Operations {
  CreateChatToken: { input: CreateChatTokenRequest; output: CreateChatTokenResponse };
  CreateLoggingConfiguration: { input: CreateLoggingConfigurationRequest; output: CreateLoggingConfigurationResponse };
  CreateRoom: { input: CreateRoomRequest; output: CreateRoomResponse };
  DeleteLoggingConfiguration: { input: DeleteLoggingConfigurationRequest; output: Record<string, never> };
  DeleteMessage: { input: DeleteMessageRequest; output: DeleteMessageResponse };
  DeleteRoom: { input: DeleteRoomRequest; output: Record<string, never> };
  DisconnectUser: { input: DisconnectUserRequest; output: DisconnectUserResponse };
  GetLoggingConfiguration: { input: GetLoggingConfigurationRequest; output: GetLoggingConfigurationResponse };
  GetRoom: { input: GetRoomRequest; output: GetRoomResponse };
  ListLoggingConfigurations: { input: ListLoggingConfigurationsRequest; output: ListLoggingConfigurationsResponse };
  ListRooms: { input: ListRoomsRequest; output: ListRoomsResponse };
  ListTagsForResource: { input: ListTagsForResourceRequest; output: ListTagsForResourceResponse };
  SendEvent: { input: SendEventRequest; output: SendEventResponse };
  TagResource: { input: TagResourceRequest; output: TagResourceResponse };
  UntagResource: { input: UntagResourceRequest; output: UntagResourceResponse };
  UpdateLoggingConfiguration: { input: UpdateLoggingConfigurationRequest; output: UpdateLoggingConfigurationResponse };
  UpdateRoom: { input: UpdateRoomRequest; output: UpdateRoomResponse };
}
