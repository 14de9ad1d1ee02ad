import { backoffMs, waitUntil } from './pace.ts';
import { type Attributes, type ChatEventLike, ownTokens, type Space } from './space.ts';

/** What `ChatRoom` of `amazon-ivs-chat-messaging` takes from its token provider. */
export interface ChatTokenForRoom {
  token: string;
  sessionExpirationTime: Date;
}

/**
 * For `new ChatRoom({ tokenProvider })`. Calls at the same time get the same token. It leaves out `tokenExpirationTime`, which
 * would make the chat client fetch a new token every 30 seconds.
 */
export type ChatTokenProvider = () => Promise<ChatTokenForRoom>;

/** The part of the official `ChatRoom` that is used here. */
export interface ChatRoomLike {
  readonly state?: string;
  connect(): void;
  addListener(eventName: 'connect', listener: () => void): () => void;
  addListener(eventName: 'disconnect', listener: (reason: string) => void): () => void;
  addListener(eventName: 'event', listener: (event: ChatEventLike) => void): () => void;
  addListener(eventName: 'userDisconnect', listener: (event: { userId: string; reason?: string }) => void): () => void;
}

/** The room tells of a kick and of the lost connection one after the other, at most this long apart, in milliseconds. */
const kickMs = 10_000;

/** Why the service disconnects a user whose newer token takes the place of this one (`oneLiveToken`). */
const newerToken = 'stagedoor:newer_token';

/** A moderator may send away everybody at once. They ask again spread over this time, in milliseconds. */
const spreadMs = 2_000;

export function makeChatTokenProvider(space: Space, attributes?: Attributes): ChatTokenProvider {
  return async () => {
    const { chat } = await space.ask(ownTokens, { stage: false, chat: true }, attributes);
    if (!chat) throw space.lacks('chat', attributes);
    return { token: chat.token, sessionExpirationTime: new Date(chat.sessionExpiresAt) };
  };
}

/** Behind `Stagedoor.watchChat`, which tells what it does. */
export function watchChat(space: Space, room: ChatRoomLike): () => void {
  const stopped = new AbortController();
  let attempt = 0;
  let kickedAt = -Infinity;
  let isReplaced = false;
  const pause = (ms: number) => waitUntil(space.now() + ms, space.now, { signal: stopped.signal });

  /** A room that is connected stays so: a refusal may have been about the stage alone. */
  function connect(): void {
    if (room.state === undefined || room.state === 'disconnected') room.connect();
  }

  async function comeBack(reason: string): Promise<void> {
    if (reason === 'clientDisconnect') return;
    // The chat client itself does not come back after the service has closed the connection, nor after four failures.
    const isClosed = reason === 'serverDisconnect';
    await pause(isClosed ? Math.random() * spreadMs : backoffMs(attempt++));
    if (stopped.signal.aborted || space.getSnapshot().refusal) return;
    if (isClosed && space.now() - kickedAt < kickMs) {
      kickedAt = -Infinity;
      space.markKicked(true);
      // To ask would take the place back, and both would go on so for ever.
      if (isReplaced) return;
      // It is a ban if the service says so; then the space tells of it.
      await space.ask(ownTokens, { stage: false, chat: true }).catch(() => {});
    } else connect();
  }

  const ends = [
    room.addListener('connect', () => {
      attempt = 0;
      space.markKicked(false);
    }),
    room.addListener('event', (event) => space.handleChatEvent(event)),
    room.addListener('userDisconnect', ({ userId, reason }) => {
      if (!space.isOwn(userId)) return;
      kickedAt = space.now();
      isReplaced = reason === newerToken;
    }),
    room.addListener('disconnect', (reason) => void comeBack(reason)),
    space.onRetry(connect),
  ];
  return () => {
    stopped.abort();
    for (const end of ends) end();
  };
}
