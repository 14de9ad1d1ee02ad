import { randomInt } from 'node:crypto';
import { typeid } from 'typeid-js';

/** The prefixes of ids: tenant, API key, issuer, space, grant, ban, action, audit entry, signing key. */
export type IdPrefix = 'ten' | 'key' | 'iss' | 'spc' | 'grt' | 'ban' | 'act' | 'aud' | 'sgk';

/** Makes an id such as `spc_01h455vb4pex5vsknk084sn02q`: a UUIDv7 in base 32. Ids sort by age. An id is no secret. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString();
}

const alphanumerics = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * Makes a participant id for a token that Stagedoor signs: 16 random letters and digits (95 bits). It has no `_`: IVS
 * allows `_` in the token, but refuses it in operations that take a participant id (service model, `ParticipantId`).
 */
export function newParticipantId(): string {
  return Array.from({ length: 16 }, () => alphanumerics[randomInt(alphanumerics.length)]).join('');
}
