import { z } from 'zod';
import { pathName } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { attributesBytes, attributesMaxBytes, text } from '../http/text.ts';

export const roleNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Schema of the name of a role. The tenant chooses the names of its roles. */
export const roleName = z
  .string()
  .regex(roleNamePattern, 'must be 1 to 64 letters, digits, dots, dashes or underscores')
  .meta({ description: 'Name of a role of the tenant.', examples: ['host'] });

/** Schema of a role's name in a path. A name that no role can have is answered with 404. */
export const pathRole = pathName(roleNamePattern, 'role').meta({
  description: 'Name of a role of the tenant.',
  examples: ['host'],
});

function distinct<Item extends z.ZodType>(item: Item) {
  return z.array(item).refine((given) => new Set(given).size === given.length, {
    error: 'must not name a capability twice',
  });
}

/** Capabilities of stage tokens (IVS Real-Time service model, `ParticipantTokenCapability`). */
export const stageCapability = z.enum(['PUBLISH', 'SUBSCRIBE']).meta({
  id: 'StageCapability',
  description: 'PUBLISH: send audio and video to the stage. SUBSCRIBE: receive those of others.',
});

/** Capabilities of chat tokens (IVS Chat service model, `ChatTokenCapability`). Every chat token may read. */
export const chatCapability = z.enum(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER']).meta({
  id: 'ChatCapability',
  description: 'What a chat token allows besides reading, which every chat token allows.',
});

const stageCapabilities = distinct(stageCapability).min(1, 'must name PUBLISH, SUBSCRIBE or both');
const chatCapabilities = distinct(chatCapability);

const attributeTemplates = z
  .record(text(1, 128), text(0, 1024))
  .refine((value) => attributesBytes(value) <= attributesMaxBytes, {
    error: `must have at most ${attributesMaxBytes} bytes in all keys and values together`,
  })
  .meta({
    description:
      'Attributes of the tokens. A value may contain claims of the user’s JWT, such as `{{claims.name}}`, `{{claims.address.city}}` or `{{claims.https://acme.example/nick}}`: every path that `claims` of an issuer takes. A claim becomes empty text if it is missing, is no text, number or boolean, or would make the attributes longer than the 1024 bytes that IVS allows. Attributes are filled in by their names in alphabetical order.',
  });

/** Names of the attributes that an app user may add to their own tokens. */
const clientAttributes = z
  .array(text(1, 128))
  .max(32)
  .refine((given) => new Set(given).size === given.length, { error: 'must not name an attribute twice' })
  .meta({
    description:
      'Names of the attributes that app users may add to their own tokens. Every participant sees attributes, so name none that clients of others rely on. API keys may add any.',
  });

/** How long a stage token is valid: 1 minute to 14 days (service model, `ParticipantTokenDurationMinutes`). */
const ttlSeconds = z
  .int()
  .min(60)
  .max(14 * 24 * 3600)
  .meta({ description: 'Lifetime of a stage token, in seconds. IVS checks it only when a participant joins.' });

/** How long a chat connection lasts (service model, `SessionDurationInMinutes`). */
const sessionMinutes = z
  .int()
  .min(1)
  .max(180)
  .meta({ description: 'Duration of a chat connection, in minutes. After that it needs a new token.' });

const stageRightsExample = { capabilities: ['PUBLISH', 'SUBSCRIBE'], ttlSeconds: 600 };
const chatRightsExample = { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 };

const stageRightsInput = z
  .strictObject({ capabilities: stageCapabilities, ttlSeconds: ttlSeconds.default(600) })
  .meta({ id: 'StageRightsInput', examples: [stageRightsExample] });

const chatRightsInput = z
  .strictObject({ capabilities: chatCapabilities, sessionMinutes: sessionMinutes.default(60) })
  .meta({ id: 'ChatRightsInput', examples: [chatRightsExample] });

const roleExample = {
  stage: stageRightsExample,
  chat: chatRightsExample,
  moderator: false,
  rank: 10,
  attributes: { displayName: '{{claims.name}}' },
  clientAttributes: ['pronouns'],
};

/** The body for creating or replacing a role. */
export const putRoleBody = z
  .strictObject({
    stage: stageRightsInput
      .nullable()
      .default(null)
      .meta({ description: 'What a holder may do on the stage; null: they get no stage token.' }),
    chat: chatRightsInput
      .nullable()
      .default(null)
      .meta({ description: 'What a holder may do in the chat room; null: they get no chat token.' }),
    moderator: z.boolean().default(false).meta({ description: 'Whether a holder may moderate.' }),
    rank: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .meta({ description: 'A moderator can act only on users whose role has a lower rank.' }),
    attributes: attributeTemplates.default({}),
    clientAttributes: clientAttributes.default([]),
  })
  .meta({ id: 'PutRoleRequest', examples: [roleExample] });
export type PutRoleBody = z.output<typeof putRoleBody>;

const stageRights = z
  .object({ capabilities: z.array(stageCapability), ttlSeconds })
  .meta({ id: 'StageRights', examples: [stageRightsExample] });

const chatRights = z
  .object({ capabilities: z.array(chatCapability), sessionMinutes })
  .meta({ id: 'ChatRights', examples: [chatRightsExample] });

/** A role, as answers show it. */
export const role = z
  .object({
    name: roleName,
    stage: stageRights.nullable().meta({ description: 'null: holders get no stage token.' }),
    chat: chatRights.nullable().meta({ description: 'null: holders get no chat token.' }),
    moderator: z.boolean(),
    rank: z.int(),
    attributes: z.record(z.string(), z.string()),
    clientAttributes: z.array(z.string()),
  })
  .meta({ id: 'Role', examples: [{ name: 'speaker', ...roleExample }] });
export type Role = z.output<typeof role>;

/** A page of roles. */
export const rolePage = pageOf(role);
