import { z } from 'zod';
import { pathName } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { attributesBytes, attributesMaxBytes, text } from '../http/text.ts';

const roleNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** A role's name: a word of the tenant's, as members, claims and spaces name it. */
export const roleName = z
  .string()
  .regex(roleNamePattern, 'must be 1 to 64 letters, digits, dots, dashes or underscores')
  .meta({ description: 'Name of a role of the tenant.', examples: ['host'] });

/** The name of a role that must be there. */
export const pathRole = pathName(roleNamePattern, 'role').meta({
  description: 'Name of a role of the tenant.',
  examples: ['host'],
});

function distinct<Value extends string>(values: readonly [Value, ...Value[]]) {
  return z.array(z.enum(values)).refine((given) => new Set(given).size === given.length, {
    error: 'must not name a capability twice',
  });
}

/** Capabilities of participant tokens (service model, `ParticipantTokenCapability`). */
const stageCapabilities = distinct(['PUBLISH', 'SUBSCRIBE']).min(1, 'must name PUBLISH, SUBSCRIBE or both');

/** Capabilities of chat tokens (service model, `ChatTokenCapability`); reading is always allowed. */
const chatCapabilities = distinct(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER']);

const attributeTemplates = z
  .record(text(1, 128), text(0, 1024))
  .refine((value) => attributesBytes(value) <= attributesMaxBytes, {
    error: `must have at most ${attributesMaxBytes} bytes in all keys and values together`,
  })
  .meta({
    description:
      'Attributes of the tokens. A value may name claims of the user’s JWT: `{{claims.name}}`; a claim that is missing, or is no text, number or boolean, becomes empty.',
  });

const stageRights = z.strictObject({
  capabilities: stageCapabilities,
  ttlSeconds: z
    .int()
    .min(60)
    .max(14 * 24 * 3600)
    .default(600)
    .meta({ description: 'How long a stage token opens the door. IVS looks at it when joining.' }),
});

const chatRights = z.strictObject({
  capabilities: chatCapabilities,
  sessionMinutes: z
    .int()
    .min(1)
    .max(180)
    .default(60)
    .meta({ description: 'How long a chat connection lasts before it needs a new token.' }),
});

export const putRoleBody = z
  .strictObject({
    stage: stageRights.nullable().default(null),
    chat: chatRights.nullable().default(null),
    moderator: z.boolean().default(false),
    rank: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .meta({ description: 'A moderator acts only on users of lower rank.' }),
    attributes: attributeTemplates.default({}),
  })
  .meta({ id: 'PutRole' });
export type PutRoleBody = z.output<typeof putRoleBody>;

export const role = z
  .object({
    name: roleName,
    stage: stageRights.nullable(),
    chat: chatRights.nullable(),
    moderator: z.boolean(),
    rank: z.int(),
    attributes: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Role' });
export type Role = z.output<typeof role>;

export const rolePage = pageOf(role);
