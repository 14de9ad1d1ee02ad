import { type ChatTokenForRoom, watchChat } from '../chat.ts';
import type { StagedoorProblem } from '../problem.ts';
import { refusalOf } from '../refusals.ts';
import { type Attributes, ownTokens, type Space } from '../space.ts';
import type { ChatMessage, ChatRoomClass, ChatRoomInstance } from './sdk-faces.ts';
import { Session } from './session.ts';

/**
 * - `connecting`: also while the connection is lost and comes back by itself;
 * - `removed`: a moderator has disconnected the user, who may come back with `rejoin()`;
 * - `refused`: the service has given a final answer, see `useMe`;
 * - `failed`: there is no token, and asking again by itself would not help, see `problem`.
 */
export type ChatState = 'idle' | 'connecting' | 'connected' | 'removed' | 'refused' | 'failed';

export interface ChatView {
  readonly state: ChatState;
  /** The newest messages, the oldest first. A message that a moderator deletes disappears. */
  readonly messages: readonly ChatMessage[];
  readonly problem: StagedoorProblem | null;
}

/** Why a message was not sent. `code` is that of IVS Chat (403, 406, 413, 429 …); 0: there was no connection. */
export class ChatSendError extends Error {
  override readonly name = 'ChatSendError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const reasons: Record<number, string> = {
  403: 'Your role may not send messages here.',
  406: 'The message was rejected by the review of this room.',
  413: 'The message is too long.',
  429: 'You are sending messages too fast. Wait a moment.',
};

/** One room, from the first token to the last component that shows it. */
export class ChatSession extends Session<ChatView> {
  readonly #space: Space;
  readonly #ChatRoom: ChatRoomClass;
  readonly #attributes: Attributes | undefined;
  readonly #keep: number;
  readonly #lost = new Set<(error: ChatSendError) => void>();
  #room: ChatRoomInstance | undefined;
  #problem: StagedoorProblem | null = null;
  #isEntering = false;
  #signal: AbortSignal | undefined;

  constructor(space: Space, ChatRoom: ChatRoomClass, attributes: Attributes | undefined, keep: number) {
    super({ state: 'idle', messages: [], problem: null });
    this.#space = space;
    this.#ChatRoom = ChatRoom;
    this.#attributes = attributes;
    this.#keep = keep;
  }

  /**
   * Sends a message. Resolves when the room has it.
   * @throws ChatSendError with a reason that a page can show.
   */
  readonly send = async (content: string, attributes?: Record<string, string>): Promise<void> => {
    const room = this.#room;
    if (room?.state !== 'connected') throw new ChatSendError(0, 'The chat is not connected.');
    let lose: (error: ChatSendError) => void = () => {};
    // The official client forgets what is on its way when it loses its connection.
    const lost = new Promise<never>((_, reject) => this.#lost.add((lose = reject)));
    try {
      await Promise.race([room.sendMessage({ action: 'SEND_MESSAGE', requestId: newId(), content, attributes }), lost]);
    } catch (error) {
      throw error instanceof ChatSendError ? error : sendError(error);
    } finally {
      this.#lost.delete(lose);
    }
  };

  /** Comes back after `removed`, `refused` or `failed`. */
  readonly rejoin = (): void => {
    this.#space.retry();
    if (this.#signal && !this.#room) void this.#enter(this.#signal);
  };

  protected open(signal: AbortSignal): void {
    this.#signal = signal;
    const ends = [this.#space.subscribe(() => this.#followSpace(signal))];
    signal.addEventListener('abort', () => {
      for (const end of ends) end();
      this.#signal = undefined;
      this.#problem = null;
      this.#isEntering = false;
    });
    void this.#enter(signal);
  }

  async #enter(signal: AbortSignal): Promise<void> {
    if (this.#isEntering) return;
    this.#isEntering = true;
    this.#problem = null;
    this.#show();
    try {
      const { endpoint, ...first } = await this.#token(signal);
      if (!signal.aborted) this.#connect(signal, endpoint, first);
    } catch (error) {
      if (!signal.aborted) this.#problem = error as StagedoorProblem;
    }
    if (signal.aborted) return;
    this.#isEntering = false;
    this.#show();
  }

  #connect(signal: AbortSignal, regionOrUrl: string, first: ChatTokenForRoom): void {
    let unused: ChatTokenForRoom | undefined = first;
    const tokenProvider = async () => {
      const token = unused ?? (await this.#token(signal));
      unused = undefined;
      return token;
    };
    const room = new this.#ChatRoom({ regionOrUrl, tokenProvider });
    // At the level `debug`, its default, it writes tokens to the console.
    room.logLevel = 'error';
    this.#room = room;
    const show = () => this.#show();
    const ends = [
      room.addListener('connecting', show),
      room.addListener('connect', show),
      room.addListener('disconnect', () => {
        this.#loseSends();
        show();
      }),
      room.addListener('message', (message) =>
        this.change({ messages: [...this.getView().messages, message].slice(-this.#keep) }),
      ),
      room.addListener('messageDelete', ({ messageId }) =>
        this.change({ messages: this.getView().messages.filter(({ id }) => id !== messageId) }),
      ),
      watchChat(this.#space, room),
    ];
    signal.addEventListener('abort', () => {
      this.#room = undefined;
      for (const end of ends) end();
      this.#loseSends();
      room.disconnect();
    });
    room.connect();
  }

  async #token(signal: AbortSignal): Promise<ChatTokenForRoom & { endpoint: string }> {
    const { chat } = await this.#space.ask(ownTokens, { stage: false, chat: true }, this.#attributes, signal);
    if (!chat) throw this.#space.lacks('chat', this.#attributes);
    return { token: chat.token, sessionExpirationTime: new Date(chat.sessionExpiresAt), endpoint: chat.endpoint };
  }

  #followSpace(signal: AbortSignal): void {
    this.#show();
    // After a refusal that came before there was a room, the way in is free again.
    const wasRefused = this.#problem !== null && refusalOf(this.#problem, this.#space.id) !== undefined;
    const isFree = wasRefused && !this.#space.getSnapshot().refusal;
    if (isFree && !this.#room) void this.#enter(signal);
  }

  #show(): void {
    const state = this.#state();
    const { state: shown, problem } = this.getView();
    if (state !== shown || problem !== this.#problem) this.change({ state, problem: this.#problem });
  }

  #state(): ChatState {
    const { refusal, isKicked } = this.#space.getSnapshot();
    if (this.#room?.state === 'connected') return 'connected';
    if (refusal) return 'refused';
    if (isKicked) return 'removed';
    return this.#problem ? 'failed' : 'connecting';
  }

  #loseSends(): void {
    const error = new ChatSendError(0, 'The connection was lost. Nobody knows whether the message was sent.');
    for (const lose of this.#lost) lose(error);
  }
}

/** The chat client rejects with an object that is no Error. */
function sendError(error: unknown): ChatSendError {
  const { errorCode = 0, errorMessage } = error as { errorCode?: number; errorMessage?: string };
  const told = errorMessage ?? (error instanceof Error ? error.message : 'The message was not sent.');
  return new ChatSendError(errorCode, reasons[errorCode] ?? told);
}

/** `crypto.randomUUID` exists only on pages with HTTPS, and on localhost. An id has to be unique in one connection only. */
function newId(): string {
  const { crypto } = globalThis as { crypto?: Partial<Crypto> };
  return crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}
