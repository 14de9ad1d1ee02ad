import { type ChatTokenContent, openChatToken } from '../chat/token-format.ts';
import { parseArn } from '../arns.ts';
import type { Room } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** The refusal of a handshake. AWS documents that there are HTTP errors, but not which. */
export class HandshakeRefusal extends Error {
  override readonly name = 'HandshakeRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Marks a token as used. Returns `false` when it was used before. A used token is kept until it expires. */
function use(used: World['usedChatTokens'], token: ChatTokenContent, now: number): boolean {
  for (const [id, expiresAt] of used) {
    if (expiresAt > now) break;
    used.delete(id);
  }
  if (used.has(token.id)) return false;
  used.set(token.id, token.expiresAt);
  return true;
}

/**
 * Decides whether a chat token opens a connection. The token must be genuine, not expired and not used (AWS docs), and
 * its room must exist.
 *
 * @param header The header `Sec-WebSocket-Protocol`, which holds the token.
 * @throws HandshakeRefusal when the token opens none.
 */
export function admitToChat(world: World, header: string | undefined): { token: ChatTokenContent; room: Room } {
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
  if (!use(world.usedChatTokens, token, now)) throw new HandshakeRefusal(403, 'the chat token has been used');
  return { token, room };
}
