export { type ChatSendError, type ChatState, type ChatView } from './chat-session.ts';
export { useChat, useMe, useSpace, useStage, type Chat, type Me, type SpaceView, type Stage } from './hooks.ts';
export { StagedoorProvider, type StagedoorProviderProps } from './provider.tsx';
export type {
  ChatMessage,
  ChatRoomClass,
  ParticipantInfo,
  StageClass,
  StageInstance,
  StreamOfParticipant,
} from './sdk-faces.ts';
export type { StageParticipant, StageState, StageView, StageWishes } from './stage-session.ts';
export { StageVideo } from './stage-video.tsx';
