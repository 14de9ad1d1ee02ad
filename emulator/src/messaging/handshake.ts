import { type ChatTokenContent, openChatToken } from '../chat/token-format.ts';
import { parseArn } from '../arns.ts';
import type { Room } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** A handshake that was refused. AWS documents that there are HTTP errors here, not which. */
export class HandshakeRefusal extends Error {
  override readonly name = 'HandshakeRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Chat tokens that have opened their connection. Kept only while they could still be tried again. */
export class UsedTokens {
  readonly #ids = new Map<string, number>();

  /** `false` if the token was used before. */
  use(token: ChatTokenContent, now: number): boolean {
    for (const [id, expiresAt] of this.#ids) {
      if (expiresAt > now) break;
      this.#ids.delete(id);
    }
    if (this.#ids.has(token.id)) return false;
    this.#ids.set(token.id, token.expiresAt);
    return true;
  }
}

/**
 * Lets a chat token open a connection: ours, in time, not used before (AWS docs), to a room that is there.
 *
 * @param header `Sec-WebSocket-Protocol`, which carries the token.
 */
export function admitToChat(
  world: World,
  used: UsedTokens,
  header: string | undefined,
): { token: ChatTokenContent; room: Room } {
  const text = header?.split(',')[0]?.trim() ?? '';
  if (text === '') throw new HandshakeRefusal(401, 'a chat token must be given as the WebSocket subprotocol');
  const token = openChatToken(text, world.secret);
  if (!token) throw new HandshakeRefusal(403, 'the chat token is not valid');
  const now = world.clock.now();
  if (token.expiresAt <= now) throw new HandshakeRefusal(401, 'the chat token has expired');
  const arn = parseArn(token.roomArn);
  const room = world.scopes.get(`${arn?.account}/${arn?.region}`)?.rooms.get(token.roomArn);
  if (!room) throw new HandshakeRefusal(404, 'there is no such room');
  if (world.chatRooms.count >= world.limits.chatConnections) {
    throw new HandshakeRefusal(429, `there are ${world.limits.chatConnections} chat connections already`);
  }
  if (!used.use(token, now)) throw new HandshakeRefusal(403, 'the chat token has been used');
  return { token, room };
}
