import { z } from 'zod';
import { scopes } from '../http/access.ts';
import { idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { dateTime, text } from '../http/text.ts';

export const createApiKeyBody = z
  .strictObject({
    name: text(1, 200).meta({ description: 'What the key is for, to tell keys apart.' }),
    scopes: z
      .array(z.enum(scopes))
      .min(1)
      .max(scopes.length)
      .refine((given) => new Set(given).size === given.length, { error: 'must not name a scope twice' })
      .meta({ description: '`*` stands for all; `moderation:write` includes `moderation:read`.' }),
    expiresAt: dateTime.optional().meta({ description: 'When the key stops by itself.' }),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateApiKeyBody = z.output<typeof createApiKeyBody>;

export const rotateApiKeyBody = z
  .strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(30 * 24 * 3600)
      .default(0)
      .meta({ description: 'How long the old key goes on working beside the new one.' }),
  })
  .prefault({})
  .meta({ id: 'RotateApiKey' });
export type RotateApiKeyBody = z.output<typeof rotateApiKeyBody>;

export const apiKey = z
  .object({
    id: idOf('key', 'API key'),
    name: z.string(),
    prefix: z.string().meta({ description: 'The beginning of the key, to recognise it by.' }),
    scopes: z.array(z.enum(scopes)),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().nullable().meta({ description: 'To the minute.' }),
    expiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.output<typeof apiKey>;

export const newApiKeyAnswer = apiKey
  .extend({ key: z.string().meta({ description: 'The key in clear: shown now and never again.' }) })
  .meta({ id: 'NewApiKey' });
export type NewApiKeyAnswer = z.output<typeof newApiKeyAnswer>;

export const apiKeyPage = pageOf(apiKey);
