import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { ChatTokenCapability } from './types.ts';

/** The content of a chat token. Only the service can read it. */
export interface ChatTokenContent {
  /** Identifies the token, so that the service can refuse its second use. */
  id: string;
  roomArn: string;
  userId: string;
  capabilities: ChatTokenCapability[];
  attributes: Record<string, string>;
  /** Until when the token can open a connection, in milliseconds since 1970. */
  expiresAt: number;
  /** When the service closes the connection, in milliseconds since 1970. */
  sessionExpiresAt: number;
}

const IV_BYTES = 12;

/**
 * Encrypts a token. The result is two base64url parts with a dot between them, as in AWS's docs. A client sends the
 * token as a WebSocket subprotocol, and every character of the result is allowed there.
 */
export function sealChatToken(content: ChatTokenContent, secret: KeyObject): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secret, iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
  const proof = Buffer.concat([iv, cipher.getAuthTag()]);
  return `${sealed.toString('base64url')}.${proof.toString('base64url')}`;
}

/** Decrypts a token. Returns `undefined` when `sealChatToken` did not make it with this secret. */
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
