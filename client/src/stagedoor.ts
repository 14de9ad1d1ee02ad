import type { JoinResult } from './api.ts';
import { type ChatRoomLike, type ChatTokenProvider, makeChatTokenProvider, watchChat } from './chat.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Listeners } from './listeners.ts';
import type { Refusal, RefusalType } from './refusals.ts';
import { type Attributes, Space } from './space.ts';
import { StageTokenSource } from './stage-tokens.ts';

export type StagedoorOptions = ConnectionOptions;

export interface JoinOptions {
  attributes?: Attributes;
  /** false: the answer has no stage token. */
  stage?: boolean;
  /** false: the answer has no chat token. */
  chat?: boolean;
  /** Gives up waiting. */
  signal?: AbortSignal;
}

export interface TokenOptions {
  attributes?: Attributes;
}

/** A client of one user. */
export interface Stagedoor {
  /**
   * The tokens for a stage and a chat room, to use yourself. It waits while the service cannot be reached. Calls at the same
   * time with the same options share one request and its answer.
   * @throws StagedoorProblem if the service refuses.
   */
  join(spaceId: string, options?: JoinOptions): Promise<JoinResult>;
  /** The token provider for the official `ChatRoom`. The same function for the same space and attributes. */
  chatTokenProvider(spaceId: string, options?: TokenOptions): ChatTokenProvider;
  /**
   * Keeps an official `ChatRoom` connected until a final answer, and tells what its events mean. The room's own
   * `disconnect()` ends it too. Returns the function that stops watching; it does not disconnect the room.
   */
  watchChat(spaceId: string, room: ChatRoomLike): () => void;
  /** The tokens for the `Stage` of `amazon-ivs-web-broadcast`. */
  stageTokenSource(spaceId: string, options?: TokenOptions): StageTokenSource;
  /** What a page shows of a space. The same object for the same id. */
  space(spaceId: string): Space;
  /** Calls a function at final answers of one type, or of every type. Returns the function that ends this. */
  on(type: RefusalType | 'refusal', listener: (refusal: Refusal) => void): () => void;
  /** Starts anew in every space after final answers, as after a new sign-in. */
  retry(): void;
}

/** Makes a client for the user who is signed in. Make another one when another user signs in. */
export function createStagedoor(options: StagedoorOptions): Stagedoor {
  const connection = new Connection(options);
  const spaces = new Map<string, Space>();
  const providers = new Map<string, ChatTokenProvider>();
  const refusals = new Listeners<Refusal>();
  let signedOut: Refusal | undefined;

  function tellRefusal(refusal: Refusal): void {
    if (refusal.spaceId === null) {
      signedOut = refusal;
      for (const space of spaces.values()) if (!space.getSnapshot().refusal) space.refuse(refusal);
    }
    refusals.tell(refusal);
  }

  function spaceOf(spaceId: string): Space {
    const known = spaces.get(spaceId);
    if (known) return known;
    const space = new Space(spaceId, connection, tellRefusal);
    spaces.set(spaceId, space);
    if (signedOut) space.refuse(signedOut);
    return space;
  }

  return {
    async join(spaceId, { attributes, stage = true, chat = true, signal } = {}) {
      return await spaceOf(spaceId).ask(`join ${stage} ${chat}`, { stage, chat }, attributes, signal);
    },
    chatTokenProvider(spaceId, { attributes } = {}) {
      const key = JSON.stringify([spaceId, attributes]);
      const provider = providers.get(key) ?? makeChatTokenProvider(spaceOf(spaceId), attributes);
      providers.set(key, provider);
      return provider;
    },
    watchChat: (spaceId, room) => watchChat(spaceOf(spaceId), room),
    stageTokenSource: (spaceId, { attributes } = {}) => new StageTokenSource(spaceOf(spaceId), attributes),
    space: spaceOf,
    on: (type, listener) =>
      refusals.add((refusal) => {
        if (type === 'refusal' || type === refusal.type) listener(refusal);
      }),
    retry() {
      signedOut = undefined;
      for (const space of spaces.values()) space.retry();
    },
  };
}
