import { z } from 'zod';
import { scopes } from '../http/access.ts';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { dateTime, queryFlag, text } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';
import { isAddressRange } from './key-bounds.ts';

const scope = z.enum(scopes).meta({
  id: 'Scope',
  description: '`*` stands for all scopes. `moderation:write` includes `moderation:read`.',
});

const bounds = {
  roles: z.array(roleName).min(1).max(50).meta({
    description:
      'The only roles that the key gives. It names the role whenever it vends tokens or changes a member, and cannot change roles or issuers.',
  }),
  spaceIds: z.array(filterId('spc', 'space')).min(1).max(100).meta({
    description:
      'The only spaces in which the key can be used. What concerns the whole tenant is refused; lists need one of the spaces as `spaceId`. Bans, actions and grants elsewhere are not found.',
  }),
  sourceAddresses: z
    .array(z.string().max(64).refine(isAddressRange, { error: 'must be an IP address or a CIDR range' }))
    .min(1)
    .max(50)
    .meta({
      description:
        'The only addresses from which the key can be used, as IP addresses or CIDR ranges. Behind a proxy the operator sets TRUSTED_PROXIES.',
    }),
};

/** The body for creating an API key. */
export const createApiKeyBody = z
  .strictObject({
    name: text(1, 200).meta({ description: 'Tells people what the key is for.' }),
    scopes: z
      .array(scope)
      .min(1)
      .max(scopes.length)
      .refine((given) => new Set(given).size === given.length, { error: 'must not name a scope twice' })
      .meta({ description: 'What the key may do.' }),
    expiresAt: dateTime.optional().meta({
      description:
        'End of the key, no later than that of the key that makes it. Without it the key ends with that key; if that key has no end, it is valid until revoked.',
    }),
    roles: bounds.roles.optional(),
    spaceIds: bounds.spaceIds.optional(),
    sourceAddresses: bounds.sourceAddresses.optional(),
  })
  .meta({
    id: 'CreateApiKeyRequest',
    description: 'A bound that is absent is that of the key that makes this one.',
    examples: [{ name: 'Back end', scopes: ['spaces:write', 'spaces:read', 'tokens:vend'] }],
  });
export type CreateApiKeyBody = z.output<typeof createApiKeyBody>;

/** Longest time that a replaced key stays valid. A thief can use a leaked key for as long. */
const maxGraceSeconds = 7 * 24 * 3600;

/** The query for revoking an API key. */
export const revokeApiKeyQuery = z.strictObject({
  descendants: queryFlag.default(false).meta({
    description:
      'true: also revokes every key that this key has made, that those have made, and so on. Then the key itself may be revoked already. The key of the caller, and what it made, are spared.',
  }),
});
export type RevokeApiKeyQuery = z.output<typeof revokeApiKeyQuery>;

/** The body for replacing an API key. */
export const rotateApiKeyBody = z
  .strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(maxGraceSeconds)
      .default(0)
      .meta({ description: 'How long the old key stays valid, in seconds.' }),
  })
  .meta({ id: 'RotateApiKeyRequest', examples: [{ graceSeconds: 3600 }] })
  .prefault({});
export type RotateApiKeyBody = z.output<typeof rotateApiKeyBody>;

const apiKeyExample = {
  id: exampleId('key'),
  name: 'Back end',
  prefix: 'sk_acme_Jr0v',
  scopes: ['spaces:write', 'spaces:read', 'tokens:vend'],
  roles: null,
  spaceIds: null,
  sourceAddresses: null,
  parentId: null,
  replacedBy: null,
  createdAt: '2026-03-01T19:00:00.000Z',
  lastUsedAt: null,
  expiresAt: null,
};

/** An API key, as answers show it. */
export const apiKey = z
  .object({
    id: idOf('key', 'API key'),
    name: z.string(),
    prefix: z.string().meta({ description: 'The beginning of the key. It helps people to recognise the key.' }),
    scopes: z.array(scope),
    roles: z.array(z.string()).nullable().meta({ description: 'null: the key may give every role.' }),
    spaceIds: z.array(z.string()).nullable().meta({ description: 'null: the key can be used in every space.' }),
    sourceAddresses: z.array(z.string()).nullable().meta({ description: 'null: the key can be used from everywhere.' }),
    parentId: z.string().nullable().meta({
      description:
        'The key that made this one, also by a rotation; if that has ended and its days in the audit log are over, the key that made that one; null: there is none, as the operator made it, or a person at the console.',
    }),
    replacedBy: z
      .string()
      .nullable()
      .meta({ description: 'The key that replaces this one. A replaced key makes, rotates and revokes no keys.' }),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable().meta({ description: 'Exact to a minute; null: never used.' }),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'null: the key is valid until it is revoked.' }),
  })
  .meta({ id: 'ApiKey', examples: [apiKeyExample] });
export type ApiKey = z.output<typeof apiKey>;

/** A new API key. Only this answer holds the key itself. */
export const newApiKeyAnswer = apiKey
  .extend({ key: z.string().meta({ description: 'The key itself. No later answer shows it.' }) })
  .meta({
    id: 'NewApiKey',
    examples: [{ ...apiKeyExample, key: 'sk_acme_Jr0vEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAM_3kVx0a' }],
  });
export type NewApiKeyAnswer = z.output<typeof newApiKeyAnswer>;

/** A page of API keys. */
export const apiKeyPage = pageOf(apiKey);
