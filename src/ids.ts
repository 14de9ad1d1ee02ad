import { TypeID, typeid } from 'typeid-js';

/**
 * The prefixes of ids: tenant, API key, issuer, space, grant, ban, action, audit entry, signing key,
 * event, webhook endpoint, webhook delivery, session of the console, identity provider of the console, note.
 */
export type IdPrefix =
  | 'ten'
  | 'key'
  | 'iss'
  | 'spc'
  | 'grt'
  | 'ban'
  | 'act'
  | 'aud'
  | 'sgk'
  | 'evt'
  | 'whk'
  | 'whd'
  | 'cse'
  | 'cis'
  | 'not';

/** Makes an id such as `spc_01h455vb4pex5vsknk084sn02q`: a UUIDv7 in base 32. Ids sort by age. An id is no secret. */
export function newId(prefix: IdPrefix): string {
  return typeid(prefix).toString();
}

/** Longest time by which the clock of a replica that makes ids may differ from that of the database, in milliseconds. */
const clockMarginMs = 3_600_000;

/**
 * An id that sorts before every id that was made at `time` or later. A list that begins at a time reads only the ids after
 * it. The replica that makes an id and the database that notes the time have different clocks, so an hour is left between.
 */
export function idBefore(prefix: IdPrefix, time: Date): string {
  const ms = Math.min(Math.max(0, time.getTime() - clockMarginMs), 2 ** 48 - 1);
  const hex = ms.toString(16).padStart(12, '0');
  return TypeID.fromUUID(prefix, `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`).toString();
}

/**
 * Makes a participant id for a token that Stagedoor signs, such as `01h455vb4pex5vsknk084sn02q`: a UUIDv7 in base 32, so that
 * the newest are together in the index of a ledger of years. It has no `_`: IVS allows `_` in the token, but refuses it in
 * operations that take a participant id (service model, `ParticipantId`).
 */
export function newParticipantId(): string {
  return typeid().toString();
}
