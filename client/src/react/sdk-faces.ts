/**
 * The parts of Amazon's client packages that the hooks use. The app hands the classes in (`StagedoorProvider`), so that neither
 * package is needed by an app that does not use it, and a stand-in can take the place of either.
 */
import type { ChatRoomLike, ChatTokenForRoom } from '../chat.ts';

/** A message of the room, as the official chat client gives it. */
export interface ChatMessage {
  id: string;
  sender: { userId: string; attributes?: Record<string, string> | undefined };
  content: string;
  sendTime: Date;
  attributes?: Record<string, string> | undefined;
}

/** What the hooks send: a `SendMessageRequest` of the official client has these members. */
export interface SendMessage {
  action: 'SEND_MESSAGE';
  requestId: string;
  content: string;
  attributes: Record<string, string> | undefined;
}

/** `ChatRoom` of `amazon-ivs-chat-messaging`. */
export interface ChatRoomInstance extends ChatRoomLike {
  readonly state: 'disconnected' | 'connecting' | 'connected';
  logLevel: 'debug' | 'info' | 'error';
  disconnect(): void;
  sendMessage(request: SendMessage): Promise<unknown>;
  addListener: ChatRoomLike['addListener'] & {
    (eventName: 'connecting', listener: () => void): () => void;
    (eventName: 'message', listener: (message: ChatMessage) => void): () => void;
    (eventName: 'messageDelete', listener: (event: { messageId: string }) => void): () => void;
  };
}

export type ChatRoomClass = new (config: {
  regionOrUrl: string;
  tokenProvider: () => Promise<ChatTokenForRoom>;
}) => ChatRoomInstance;

/** What the broadcast SDK tells about somebody on the stage (`StageParticipantInfo`). */
export interface ParticipantInfo {
  readonly id: string;
  readonly userId: string;
  readonly attributes: Record<string, unknown>;
  /** `publish`, `subscribe`. */
  readonly capabilities: ReadonlySet<string>;
  readonly isLocal: boolean;
  readonly isPublishing: boolean;
  readonly audioMuted: boolean;
  readonly videoStopped: boolean;
}

/** A stream of a participant: a `StageStream` of the broadcast SDK. */
export interface StreamOfParticipant {
  readonly mediaStreamTrack?: MediaStreamTrack;
}

/**
 * `Stage` of `amazon-ivs-web-broadcast`. The SDK's own types of strategies and events are not repeated here, so parameters have
 * the type that takes them all.
 */
export interface StageInstance {
  join(): Promise<void>;
  leave(): void;
  refreshStrategy(): void;
  replaceStrategy(strategy: never): void;
  exchangeToken?(token: string): Promise<void>;
  on(event: never, listener: never): void;
  off(event: never, listener: never): void;
}

export type StageClass = new (token: string, strategy: never) => StageInstance;
