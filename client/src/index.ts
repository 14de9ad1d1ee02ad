export type { ChatToken, InputFault, JoinResult, SpaceRef, StageToken } from './api.ts';
export type { ChatRoomLike, ChatTokenForRoom, ChatTokenProvider } from './chat.ts';
export type { GetUserToken, Waiting } from './connection.ts';
export { type ProblemCode, StagedoorProblem } from './problem.ts';
export type { Refusal, RefusalType } from './refusals.ts';
export type { Attributes, ChatEventLike, Space, SpaceSnapshot } from './space.ts';
export type { StageLike, StageTokenSource } from './stage-tokens.ts';
export {
  createStagedoor,
  type JoinOptions,
  type Stagedoor,
  type StagedoorOptions,
  type TokenOptions,
} from './stagedoor.ts';
