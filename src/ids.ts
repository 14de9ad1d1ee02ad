import { randomInt } from 'node:crypto';
import { typeid } from 'typeid-js';

/** What the prefixes of ids stand for. */
export type IdPrefix = 'ten' | 'key' | 'iss' | 'spc' | 'grt' | 'ban' | 'act' | 'aud' | 'sgk';

/** A new id such as `spc_01h455vb4pex5vsknk084sn02q`: a UUIDv7 in base 32, so that ids sort by age. Not a secret. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString();
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * A participant id for a token we sign: 16 random alphanumerics (95 bits). IVS allows `_` in the token but refuses it in
 * the operations that take a participant id, so none is used (service model, `ParticipantId`).
 */
export function newParticipantId(): string {
  return Array.from({ length: 16 }, () => alphanumerics[randomInt(alphanumerics.length)]).join('');
}
