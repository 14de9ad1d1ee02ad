import { CreateChatTokenCommand, type CreateChatTokenCommandInput, type IvschatClient } from '@aws-sdk/client-ivschat';
import { type ChatEvent, type ChatMessage, ChatRoom, type DisconnectReason } from 'amazon-ivs-chat-messaging';

/** An official client, and everything that it received, in order. */
export interface Heard {
  room: ChatRoom;
  messages: ChatMessage[];
  events: ChatEvent[];
  deleted: string[];
  disconnectedUsers: string[];
  /** How often the client asked for a token. */
  tokensAsked: () => number;
  connected: Promise<void>;
  disconnected: Promise<DisconnectReason>;
}

/** Connects the official client to a room. It gets a new token for each attempt. */
export function connectChat(
  client: IvschatClient,
  url: string,
  input: Partial<CreateChatTokenCommandInput> & Pick<CreateChatTokenCommandInput, 'roomIdentifier' | 'userId'>,
): Heard {
  return connectWithTokens(url, async () => {
    const { token } = await client.send(new CreateChatTokenCommand(input));
    return token ?? '';
  });
}

/**
 * Connects the official client with the tokens that `nextToken` returns. If the expiry of a token is given, the client
 * moves to a new connection before that time.
 */
export function connectWithTokens(
  url: string,
  nextToken: () => Promise<string | { token: string; tokenExpirationTime: Date }>,
): Heard {
  let asked = 0;
  const room = new ChatRoom({
    regionOrUrl: url,
    tokenProvider: async () => {
      asked += 1;
      const next = await nextToken();
      return typeof next === 'string' ? { token: next } : next;
    },
  });
  room.logger = { debug: () => {}, error: () => {}, info: () => {} };
  const connected = Promise.withResolvers<void>();
  const disconnected = Promise.withResolvers<DisconnectReason>();
  const heard: Heard = {
    room,
    messages: [],
    events: [],
    deleted: [],
    disconnectedUsers: [],
    tokensAsked: () => asked,
    connected: connected.promise,
    disconnected: disconnected.promise,
  };
  room.addListener('connect', () => connected.resolve());
  room.addListener('disconnect', (reason) => disconnected.resolve(reason));
  room.addListener('message', (message) => heard.messages.push(message));
  room.addListener('event', (event) => heard.events.push(event));
  room.addListener('messageDelete', (event) => heard.deleted.push(event.messageId));
  room.addListener('userDisconnect', (event) => heard.disconnectedUsers.push(event.userId));
  room.connect();
  return heard;
}

/** Longest wait for a condition, in milliseconds. It only ends a test that would hang; a busy machine does not reach it. */
const patienceMs = 60_000;

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what} was not met within ${patienceMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
