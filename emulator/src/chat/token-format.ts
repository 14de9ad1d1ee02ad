import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { ChatTokenCapability } from './types.ts';

/** What a chat token says. Only the service can read it. */
export interface ChatTokenContent {
  /** Names the token, so that it is used once. */
  id: string;
  roomArn: string;
  userId: string;
  capabilities: ChatTokenCapability[];
  attributes: Record<string, string>;
  /** Until when it may open a connection, milliseconds since 1970. */
  expiresAt: number;
  /** When that connection is closed at the latest. */
  sessionExpiresAt: number;
}

const IV_BYTES = 12;

/**
 * Seals a token as two base64url parts with a dot between them, the look of one in AWS's docs. Every character of it
 * may stand in a WebSocket subprotocol, which is how a client presents it.
 */
export function sealChatToken(content: ChatTokenContent, secret: KeyObject): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secret, iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
  const proof = Buffer.concat([iv, cipher.getAuthTag()]);
  return `${sealed.toString('base64url')}.${proof.toString('base64url')}`;
}

/** What a token says, or `undefined` when it is none of ours. */
export function openChatToken(token: string, secret: KeyObject): ChatTokenContent | undefined {
  const [sealed = '', lastPart = ''] = token.split('.');
  const proof = Buffer.from(lastPart, 'base64url');
  if (proof.length !== IV_BYTES + 16) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, proof.subarray(0, IV_BYTES));
    decipher.setAuthTag(proof.subarray(IV_BYTES));
    const text = Buffer.concat([decipher.update(sealed, 'base64url'), decipher.final()]).toString();
    return JSON.parse(text) as ChatTokenContent;
  } catch {
    return undefined;
  }
}
