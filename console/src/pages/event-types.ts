import type { EventType } from '../types.ts';

/** Each type once: it does not compile if the service has another one. */
const all: Record<EventType, true> = {
  'space.created': true,
  'space.updated': true,
  'space.deleted': true,
  'space.opened': true,
  'space.closed': true,
  'space.frozen': true,
  'space.unfrozen': true,
  'session.started': true,
  'session.ended': true,
  'participant.joined': true,
  'participant.published': true,
  'participant.unpublished': true,
  'participant.left': true,
  'grant.issued': true,
  'grant.revoked': true,
  'ban.created': true,
  'ban.lifted': true,
  'ban.expired': true,
  'action.delivered': true,
  'action.stuck': true,
  'action.silenced': true,
  'member.role_changed': true,
  'api_key.created': true,
  'api_key.rotated': true,
  'api_key.revoked': true,
  'issuer.created': true,
  'issuer.updated': true,
  'issuer.deleted': true,
  'issuer.failing': true,
  'signing_key.created': true,
  'signing_key.retired': true,
  'signing_key.deleted': true,
  'webhook.disabled': true,
};

/** The types of events that a webhook endpoint can get. */
export const eventTypes = Object.keys(all) as EventType[];
