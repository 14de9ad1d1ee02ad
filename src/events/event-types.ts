import { z } from 'zod';
import { exampleId } from '../http/ids.ts';
import { actionKind, by, byExample, earlier, id, reason, soon, time, type } from './event-parts.ts';

const space = z.object({ name: z.string(), by });
const session = z.object({
  sessionId: z.string().meta({ description: 'Id of the session of the stage, as Amazon IVS names it.' }),
  startedAt: time,
  endedAt: time.nullable().meta({ description: 'Null: the session goes on.' }),
  participants: z.int().meta({ description: 'How many participants it has had, as far as is known then.' }),
});
const sessionExample = { sessionId: 'st-AbCdEfGhIjKl', startedAt: earlier, endedAt: null, participants: 0 };
const participant = z.object({
  sessionId: z.string().meta({ description: 'Id of the session of the stage, as Amazon IVS names it.' }),
  participantId: z.string(),
  role: z.string().nullable().meta({ description: 'Null: their token is not from Stagedoor.' }),
  grantId: z.string().nullable(),
  joinedAt: time.meta({ description: 'When they came for the first time.' }),
  leftAt: time.nullable().meta({ description: 'Null: they are there.' }),
  publishing: z.boolean(),
  stays: z.int().meta({ description: '2: they have left, and came again with the same token. And so on.' }),
  seenAt: time.meta({ description: 'The last time at which they were there for certain.' }),
  certainty: z.enum(['confirmed', 'reported']).meta({
    description: '`confirmed`: Amazon IVS has listed them. `reported`: an event of Amazon IVS says so.',
  }),
});
const participantExample = {
  sessionId: 'st-AbCdEfGhIjKl',
  participantId: 'AbCdEfGhIjKl',
  role: 'speaker',
  grantId: exampleId('grt'),
  joinedAt: earlier,
  leftAt: null,
  publishing: false,
  stays: 1,
  seenAt: earlier,
  certainty: 'confirmed',
} as const;
const issuer = z.object({ issuerId: id('iss', 'issuer'), issuer: z.string(), audience: z.string(), by });
const issuerExample = {
  issuerId: exampleId('iss'),
  issuer: 'https://acme.example',
  audience: 'live',
  by: byExample,
};

/**
 * Every type of event. A new type is one more entry here: the OpenAPI document, the filters and the types of TypeScript follow.
 * `data` never holds a secret or a token.
 */
export const eventTypes = {
  'space.created': type(
    'A space was created, and its stage and room are ready.',
    z.object({
      name: z.string(),
      status: z.enum(['open', 'closed']),
      defaultRole: z.string().nullable(),
      capacity: z.int().nullable(),
      stageArn: z.string().nullable(),
      roomArn: z.string().nullable(),
      by,
    }),
    {
      name: 'Main stage',
      status: 'open',
      defaultRole: 'viewer',
      capacity: null,
      stageArn: 'arn:aws:ivs:us-east-1:123456789012:stage/AbCdEfGhIjKl',
      roomArn: 'arn:aws:ivschat:us-east-1:123456789012:room/AbCdEfGhIjKl',
      by: byExample,
    },
  ),
  'space.updated': type(
    'A space was changed. Its opening and closing are events of their own.',
    z.object({
      changed: z.array(z.string()).meta({ description: 'Names of the changed fields.' }),
      name: z.string(),
      defaultRole: z.string().nullable(),
      capacity: z.int().nullable(),
      by,
    }),
    { changed: ['capacity'], name: 'Main stage', defaultRole: 'viewer', capacity: 500, by: byExample },
  ),
  'space.deleted': type('A space was deleted. Nobody gets tokens for it any more.', space, {
    name: 'Main stage',
    by: byExample,
  }),
  'space.opened': type('A closed space was opened.', space, { name: 'Main stage', by: byExample }),
  'space.closed': type('A space was closed. Nobody gets tokens for it.', space, { name: 'Main stage', by: byExample }),
  'space.frozen': type(
    'A space was frozen: only moderators get tokens, and everybody else is silenced.',
    z.object({ actionId: id('act', 'action'), reason, by }),
    { actionId: exampleId('act'), reason: 'raid', by: byExample },
  ),
  'space.unfrozen': type(
    'A frozen space was unfrozen.',
    z.object({ actionId: id('act', 'action that froze it'), reason, by }),
    { actionId: exampleId('act'), reason: null, by: byExample },
  ),
  'session.started': type('Somebody is on the stage of a space: a session has started.', session, sessionExample),
  'session.ended': type('Everybody has left the stage of a space: its session has ended.', session, {
    ...sessionExample,
    endedAt: soon,
    participants: 12,
  }),
  'participant.joined': type('A participant has joined the stage.', participant, participantExample),
  'participant.published': type('A participant publishes.', participant, {
    ...participantExample,
    publishing: true,
    certainty: 'reported',
  }),
  'participant.unpublished': type('A participant does not publish any more.', participant, {
    ...participantExample,
    certainty: 'reported',
  }),
  'participant.left': type('A participant has left the stage.', participant, { ...participantExample, leftAt: soon }),
  'grant.issued': type(
    'A token was given. It is recorded, and shown, only where it is asked for by its type.',
    z.object({
      grantId: id('grt', 'grant'),
      kind: z.enum(['stage', 'chat']),
      role: z.string(),
      mint: z.enum(['ivs', 'key-pair']).nullable().meta({ description: 'How a stage token was made.' }),
      participantId: z.string().nullable(),
      expiresAt: time,
    }),
    {
      grantId: exampleId('grt'),
      kind: 'stage',
      role: 'speaker',
      mint: 'key-pair',
      participantId: 'AbCdEfGhIjKl',
      expiresAt: soon,
    },
  ),
  'grant.revoked': type(
    'Amazon IVS has confirmed that nobody can use the token of a grant any more.',
    z.object({
      grantId: id('grt', 'grant'),
      kind: z.enum(['stage', 'chat']),
      role: z.string(),
      participantId: z.string().nullable(),
    }),
    { grantId: exampleId('grt'), kind: 'stage', role: 'speaker', participantId: 'AbCdEfGhIjKl' },
  ),
  'ban.created': type(
    'A user was banned: in the space of the event, or in the whole tenant if it has none.',
    z.object({
      banId: id('ban', 'ban'),
      actionId: id('act', 'action'),
      reason,
      expiresAt: time.nullable().meta({ description: 'Time at which the ban ends by itself; null: it does not.' }),
      by,
    }),
    { banId: exampleId('ban'), actionId: exampleId('act'), reason: 'spam', expiresAt: soon, by: byExample },
  ),
  'ban.lifted': type(
    'A ban was lifted.',
    z.object({
      banId: id('ban', 'ban'),
      reason,
      outranked: z.boolean().meta({ description: 'True: the user came with a rank that the ban does not bind.' }),
      by,
    }),
    { banId: exampleId('ban'), reason: 'apologised', outranked: false, by: byExample },
  ),
  'ban.expired': type(
    'A ban has ended by itself.',
    z.object({ banId: id('ban', 'ban'), createdAt: time, expiresAt: time }),
    { banId: exampleId('ban'), createdAt: earlier, expiresAt: soon },
  ),
  'action.delivered': type(
    'Every call to Amazon IVS that an action needs has ended.',
    z.object({ actionId: id('act', 'action'), kind: actionKind }),
    { actionId: exampleId('act'), kind: 'ban' },
  ),
  'action.stuck': type(
    'Amazon IVS refuses a call of an action to the service. It is repeated every 30 seconds. The operator checks the IAM policy.',
    z.object({
      actionId: id('act', 'action'),
      kind: actionKind,
      operation: z.string().meta({ description: 'The operation of Amazon IVS.' }),
      target: z.string().meta({ description: 'Whom or what the call is about, as Amazon IVS knows it.' }),
      error: z.string().meta({ description: 'What Amazon IVS answered.' }),
    }),
    {
      actionId: exampleId('act'),
      kind: 'ban',
      operation: 'DisconnectParticipant',
      target: 'AbCdEfGhIjKl',
      error: 'AccessDeniedException: not authorized',
    },
  ),
  'action.silenced': type(
    'Everybody whom an action concerns is disconnected. Calls against unused tokens may follow.',
    z.object({
      actionId: id('act', 'action'),
      kind: actionKind,
      seconds: z.number().meta({ description: 'Seconds since the request of the moderator.' }),
    }),
    { actionId: exampleId('act'), kind: 'ban', seconds: 0.042 },
  ),
  'member.role_changed': type(
    'The role of a user in a space has changed. A role that only their JWT claims is not known here.',
    z.object({
      role: z.string().nullable(),
      previousRole: z.string().nullable(),
      actionId: id('act', 'action').nullable().meta({ description: 'Action against tokens that allow more, if any.' }),
      reason,
      by,
    }),
    { role: 'speaker', previousRole: 'viewer', actionId: null, reason: null, by: byExample },
  ),
  'api_key.created': type(
    'An API key was created.',
    z.object({
      keyId: id('key', 'API key'),
      name: z.string(),
      scopes: z.array(z.string()),
      expiresAt: time.nullable(),
      by,
    }),
    {
      keyId: exampleId('key'),
      name: 'back end',
      scopes: ['tokens:vend'],
      expiresAt: null,
      by: { kind: 'operator', id: 'operator' },
    },
  ),
  'api_key.rotated': type(
    'An API key was replaced by a new one. The old one stays valid for the grace.',
    z.object({
      keyId: id('key', 'new API key'),
      replaces: id('key', 'old API key'),
      name: z.string(),
      scopes: z.array(z.string()),
      expiresAt: time.nullable(),
      by,
    }),
    {
      keyId: exampleId('key'),
      replaces: 'key_01h455vb4pex5vsknk084sn02p',
      name: 'back end',
      scopes: ['tokens:vend'],
      expiresAt: null,
      by: byExample,
    },
  ),
  'api_key.revoked': type('An API key was revoked.', z.object({ keyId: id('key', 'API key'), by }), {
    keyId: exampleId('key'),
    by: byExample,
  }),
  'issuer.created': type('An issuer was registered. The tenant accepts its JWTs.', issuer, issuerExample),
  'issuer.updated': type(
    'An issuer was changed.',
    issuer.extend({ changed: z.array(z.string()).meta({ description: 'Names of the changed fields.' }) }),
    { ...issuerExample, changed: ['jwksUri'] },
  ),
  'issuer.deleted': type('An issuer was deleted. Its JWTs are refused.', issuer, issuerExample),
  'issuer.failing': type(
    'The keys of an issuer cannot be fetched from its JWKS URL, or none can be used. The answer of the issuer says more.',
    z.object({ issuerId: id('iss', 'issuer'), issuer: z.string(), reason: z.string() }),
    { issuerId: exampleId('iss'), issuer: 'https://acme.example', reason: 'unreachable' },
  ),
  'signing_key.created': type(
    'A signing key was made, and signs the stage tokens from now on.',
    z.object({ keyId: id('sgk', 'signing key'), arn: z.string(), by }),
    {
      keyId: exampleId('sgk'),
      arn: 'arn:aws:ivs:us-east-1:123456789012:public-key/AbCdEfGhIjKl',
      by: byExample,
    },
  ),
  'signing_key.retired': type(
    'A signing key was replaced. Its tokens stay valid until they expire.',
    z.object({ keyId: id('sgk', 'signing key'), replacedBy: id('sgk', 'new signing key'), by }),
    { keyId: exampleId('sgk'), replacedBy: 'sgk_01h455vb4pex5vsknk084sn02p', by: byExample },
  ),
  'signing_key.deleted': type(
    'Amazon IVS has deleted a signing key. No token of it is valid any more.',
    z.object({ keyId: id('sgk', 'signing key') }),
    { keyId: exampleId('sgk') },
  ),
  'webhook.disabled': type(
    'The service has disabled a webhook endpoint: the receiver answered 410, or all attempts of five days failed.',
    z.object({ webhookId: id('whk', 'webhook endpoint'), because: z.enum(['gone', 'failing']) }),
    { webhookId: exampleId('whk'), because: 'failing' },
  ),
} as const;

export type EventType = keyof typeof eventTypes;

/** The type of which there are too many: a reader gets it only if they ask for it. */
export const onlyIfAsked = 'grant.issued' satisfies EventType;

/** The `data` of events of a type. */
export type EventData<Type extends EventType> = z.output<(typeof eventTypes)[Type]['data']>;

/** Whether a text names a type of event. */
export function isEventType(text: string): text is EventType {
  return Object.hasOwn(eventTypes, text);
}
