import { type ChatMessage, ChatRoom, SendMessageRequest } from 'amazon-ivs-chat-messaging';

import { ApiProblem, write } from '../api.ts';
import type { ConsoleChatToken } from '../types.ts';
import { type LogView, type Message, RoomLog } from './room-log.ts';

/**
 * - `lost`: it comes back by itself;
 * - `refused`: the service gives no token, and asking again by itself would not help: see `problem`.
 */
export type RoomState = 'connecting' | 'connected' | 'lost' | 'refused';

export interface RoomView extends LogView {
  state: RoomState;
  problem: unknown;
  /** How many deletions were heard of. Who deleted is read from the service. */
  deletions: number;
}

/** What comes within this time is shown together, in milliseconds. */
const gatherMs = 100;

/** Waiting times before the next connection, in milliseconds. The last one is repeated. */
const waitsMs = [500, 1_000, 2_000, 5_000, 10_000];

/** A page that was loaded for this origin of the chat rooms, and still may not connect there, is not loaded again. */
const reloadedKey = 'stagedoor-chat-reloaded';

/** The origin of chat rooms to which the policy of this page lets it connect. */
const allowedOrigin = document.querySelector<HTMLMetaElement>('meta[name=stagedoor-chat]')?.content ?? '';

/** The chat room of a space, read with the person's own tokens, for as long as the page is open. */
export class Room {
  readonly #log = new RoomLog();
  readonly #listeners = new Set<() => void>();
  readonly #spaceId: string;
  readonly #csrfToken: string;
  #view: RoomView;
  #room: ChatRoom | undefined;
  #state: RoomState = 'connecting';
  #problem: unknown = null;
  #deletions = 0;
  #isClosed = false;
  /** Counts the tries to connect: only the newest one goes on. */
  #turn = 0;
  #tries = 0;
  /** Since when there is no connection, in milliseconds since 1970; undefined: there is one, or there was none yet. */
  #lostAt: number | undefined;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(spaceId: string, csrfToken: string) {
    this.#spaceId = spaceId;
    this.#csrfToken = csrfToken;
    this.#view = this.#look();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getView = (): RoomView => this.#view;

  /** @returns what ends it */
  open(): () => void {
    this.#isClosed = false;
    const offline = () => this.#lose();
    const online = () => this.again();
    globalThis.addEventListener('offline', offline);
    globalThis.addEventListener('online', online);
    void this.#enter();
    return () => {
      this.#isClosed = true;
      this.#turn += 1;
      globalThis.removeEventListener('offline', offline);
      globalThis.removeEventListener('online', online);
      clearTimeout(this.#waiting);
      clearTimeout(this.#gathering);
      this.#leave();
    };
  }

  /** Connects now, instead of later or never. */
  readonly again = (): void => {
    if (this.#room || this.#isClosed) return;
    clearTimeout(this.#waiting);
    this.#set(this.#lostAt === undefined ? 'connecting' : 'lost');
    void this.#enter();
  };

  /** Lets the lines stand still, because the reader looks at older ones. */
  readonly hold = (): void => {
    this.#log.hold();
    this.#tell();
  };

  /** Shows the newest lines. */
  readonly follow = (): void => {
    this.#log.follow();
    this.#tell();
  };

  /**
   * Sends a message. Resolves when the room has it.
   * @throws ApiProblem with the words of the room, or with the status 0 if nobody knows whether it has the message.
   */
  async send(content: string, attributes: Record<string, string>): Promise<void> {
    const room = this.#room;
    if (room?.state !== 'connected') throw unsent();
    const ends: (() => void)[] = [];
    // The client forgets what is on its way when it loses its connection.
    const lost = new Promise<never>((_, reject) => {
      const lose = () => reject(unsent());
      ends.push(room.addListener('connecting', lose), room.addListener('disconnect', lose));
    });
    try {
      await Promise.race([room.sendMessage(new SendMessageRequest(content, attributes)), lost]);
    } catch (error) {
      // The client rejects with an object that is no Error.
      const { errorMessage } = error as { errorMessage?: string };
      throw errorMessage === undefined ? error : new ApiProblem(400, 'refused', errorMessage, undefined);
    } finally {
      for (const end of ends) end();
    }
  }

  async #enter(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const first = await this.#token();
      if (turn !== this.#turn) return;
      if (new URL(first.endpoint).origin !== allowedOrigin) {
        loadAgain(first.endpoint);
        return;
      }
      sessionStorage.removeItem(reloadedKey);
      this.#connect(first);
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  async #token(): Promise<ConsoleChatToken> {
    const path = `/v1/spaces/${this.#spaceId}/console-chat-tokens`;
    return await write<ConsoleChatToken>({ method: 'POST', path, csrfToken: this.#csrfToken });
  }

  #connect(first: ConsoleChatToken): void {
    let unused: ConsoleChatToken | undefined = first;
    const tokenProvider = async () => {
      const { token, sessionExpiresAt } = unused ?? (await this.#token());
      unused = undefined;
      // The client moves to the next connection a minute before this time. No message is lost then.
      return { token, tokenExpirationTime: new Date(sessionExpiresAt) };
    };
    const room = new ChatRoom({ regionOrUrl: first.endpoint, tokenProvider, maxReconnectAttempts: 0 });
    // At the level `debug`, its default, it writes tokens to the console of the browser.
    room.logLevel = 'error';
    room.logger = { debug: () => {}, info: () => {}, error: () => {} };
    this.#room = room;
    room.addListener('connect', () => this.#arrive());
    room.addListener('connecting', () => this.#noteLoss());
    room.addListener('disconnect', () => this.#lose());
    room.addListener('message', (message) => {
      this.#log.add(toLine(message));
      this.#tellSoon();
    });
    room.addListener('messageDelete', ({ messageId }) => {
      this.#log.markDeleted(messageId);
      this.#deletions += 1;
      this.#tellSoon();
    });
    room.connect();
  }

  #arrive(): void {
    this.#tries = 0;
    if (this.#lostAt !== undefined) {
      const [from, to] = [this.#lostAt, Date.now()].map((time) => new Date(time).toISOString()) as [string, string];
      this.#log.add({ kind: 'gap', id: `gap ${from}`, from, to });
      this.#lostAt = undefined;
    }
    this.#deletions += 1; // some may have been missed
    this.#set('connected');
  }

  #noteLoss(): void {
    if (this.#state === 'connected') this.#lostAt = Date.now();
    if (this.#lostAt !== undefined) this.#set('lost');
  }

  #lose(): void {
    if (this.#isClosed || !this.#room) return;
    this.#noteLoss();
    this.#leave();
    this.#later(waitsMs[Math.min(this.#tries, waitsMs.length - 1)] ?? 0);
    this.#tries += 1;
  }

  #fail(error: unknown): void {
    this.#problem = error;
    if (error instanceof ApiProblem && error.isPassing) {
      this.#set(this.#lostAt === undefined ? 'connecting' : 'lost', error);
      this.#later((error.retryAfterSeconds ?? 5) * 1_000);
    } else this.#set('refused', error);
  }

  #later(ms: number): void {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.again(), ms);
  }

  #leave(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.disconnect();
  }

  #set(state: RoomState, problem: unknown = null): void {
    this.#state = state;
    this.#problem = problem;
    this.#tell();
  }

  #tellSoon(): void {
    this.#gathering ??= setTimeout(() => this.#tell(), gatherMs);
  }

  #tell(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#view = this.#look();
    for (const listener of this.#listeners) listener();
  }

  #look(): RoomView {
    return { ...this.#log.view, state: this.#state, problem: this.#problem, deletions: this.#deletions };
  }
}

function unsent(): ApiProblem {
  return new ApiProblem(0, 'unsent', '', undefined);
}

/** Loads the page with the policy of the session: it was sent before anybody had signed in. */
function loadAgain(endpoint: string): void {
  if (sessionStorage.getItem(reloadedKey) === endpoint) throw new Error(`The page may not connect to ${endpoint}.`);
  sessionStorage.setItem(reloadedKey, endpoint);
  globalThis.location.reload();
}

function toLine({ id, sender, content, sendTime }: ChatMessage): Message {
  const { displayName = '', stagedoor } = sender.attributes ?? {};
  return {
    kind: 'message',
    id,
    sender: sender.userId,
    name: displayName,
    isOfConsole: stagedoor === 'console' && sender.userId.startsWith('console:'),
    text: content,
    at: sendTime.toISOString(),
    isDeleted: false,
  };
}
