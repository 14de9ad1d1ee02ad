import { z } from 'zod';
import { type EventType, eventTypes } from '../events/event-types.ts';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { dateTime, text } from '../http/text.ts';

/** Largest `graceSeconds` of a rotation. */
const maxGraceSeconds = 7 * 24 * 3_600;

const typeNames = Object.keys(eventTypes) as [EventType, ...EventType[]];

const types = z
  .array(z.enum(typeNames))
  .min(1)
  .max(typeNames.length)
  .refine((given) => new Set(given).size === given.length, {
    error: 'must not name a type twice',
  })
  .meta({
    description: 'Types of the events that are sent. Without it: all types.',
    examples: [['ban.created', 'ban.lifted']],
  });
const url = text(1, 2_048).meta({
  description:
    'Where the events are sent: https, port 443, at a public address. The service does not follow redirects.',
  examples: ['https://hooks.example.com/stagedoor'],
});
const description = text(1, 256).meta({
  description: 'Tells people what the endpoint is for.',
});
const ordered = z.enum(['none', 'space']).meta({
  description:
    '`none`: events can overtake each other, as when one is sent again. `space`: the events of a space are sent one after the other; so are those without a space. An event that fails holds up the later ones of its space.',
});

/** The body for creating an endpoint. */
export const createWebhookBody = z
  .strictObject({
    url,
    types: types.optional(),
    ordered: ordered.default('none'),
    description: description.optional(),
  })
  .meta({
    id: 'CreateWebhookRequest',
    examples: [
      {
        url: 'https://hooks.example.com/stagedoor',
        types: ['ban.created', 'ban.lifted'],
        ordered: 'space',
      },
    ],
  });
export type CreateWebhookBody = z.output<typeof createWebhookBody>;

/** The body for changing an endpoint. What is absent stays as it is. */
export const updateWebhookBody = z
  .strictObject({
    url: url.optional(),
    types: types.nullable().optional().meta({ description: 'null: all types.' }),
    description: description.nullable().optional(),
    enabled: z.boolean().optional().meta({
      description: 'false: nothing is sent. true: the service goes on after the last event that it has handed over.',
    }),
  })
  .refine((body) => Object.keys(body).length > 0, {
    error: 'must change something',
  })
  .meta({ id: 'UpdateWebhookRequest', examples: [{ enabled: true }] });
export type UpdateWebhookBody = z.output<typeof updateWebhookBody>;

/** The body for replacing the secret of an endpoint. */
export const rotateWebhookBody = z
  .strictObject({
    graceSeconds: z
      .int()
      .min(0)
      .max(maxGraceSeconds)
      .default(24 * 3_600)
      .meta({
        description: 'How long webhooks have a second signature, with the secret of before, in seconds.',
      }),
  })
  .meta({ id: 'RotateWebhookRequest', examples: [{ graceSeconds: 3600 }] })
  .prefault({});
export type RotateWebhookBody = z.output<typeof rotateWebhookBody>;

/** The body for sending past events again. */
export const replayWebhookBody = z
  .strictObject({
    since: dateTime.meta({
      description: 'The first time of the events.',
      examples: ['2026-03-01T19:00:00Z'],
    }),
    types: types.optional().meta({ description: 'Without it: the types of the endpoint.' }),
  })
  .meta({
    id: 'ReplayWebhookRequest',
    examples: [{ since: '2026-03-01T19:00:00Z', types: ['ban.created'] }],
  });
export type ReplayWebhookBody = z.output<typeof replayWebhookBody>;

const webhookExample = {
  id: exampleId('whk'),
  url: 'https://hooks.example.com/stagedoor',
  types: ['ban.created', 'ban.lifted'] as EventType[],
  ordered: 'space' as const,
  description: null,
  enabled: true,
  disabledAt: null,
  disabledBecause: null,
  failingSince: null,
  oldSecretUntil: null,
  replay: null,
  skippedEvents: 0,
  createdAt: '2026-03-01T19:00:00.000Z',
  updatedAt: '2026-03-01T19:00:00.000Z',
};

const replay = z
  .object({ since: z.iso.datetime(), types: z.array(z.string()).nullable() })
  .meta({ id: 'WebhookReplay', examples: [{ since: '2026-03-01T19:00:00.000Z', types: null }] });

/** An endpoint, as answers show it. */
export const webhook = z
  .object({
    id: idOf('whk', 'webhook endpoint'),
    url: z.string(),
    types: z.array(z.string()).nullable().meta({ description: 'null: all types.' }),
    ordered,
    description: z.string().nullable(),
    enabled: z.boolean(),
    disabledAt: z.iso.datetime().nullable(),
    disabledBecause: z.enum(['request', 'gone', 'failing']).nullable().meta({
      description:
        '`request`: somebody disabled it. `gone`: the receiver answered 410. `failing`: all attempts failed for five days.',
    }),
    failingSince: z.iso.datetime().nullable().meta({
      description: 'The first failed attempt since the last that succeeded; null: the last one succeeded.',
    }),
    oldSecretUntil: z.iso.datetime().nullable().meta({
      description: 'Until then, webhooks have a second signature, with the secret of before.',
    }),
    replay: replay.nullable().meta({ description: 'The replay that is under way.' }),
    skippedEvents: z.int().meta({
      description:
        'Number of events that were dropped from the log for their age before they could be sent, whether the endpoint wants their types or not.',
    }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Webhook', examples: [webhookExample] });
export type Webhook = z.output<typeof webhook>;

/** A new endpoint, or one with a new secret. Only this answer holds the secret. */
export const webhookWithSecret = webhook
  .extend({
    secret: z.string().meta({
      description: 'Verifies the signatures. No later answer shows it.',
    }),
  })
  .meta({
    id: 'WebhookWithSecret',
    examples: [
      {
        ...webhookExample,
        secret: 'whsec_RVhBTVBMRSBFWEFNUExFIEVYQU1QTEUgRVhBTVBMRSE=',
      },
    ],
  });
export type WebhookWithSecret = z.output<typeof webhookWithSecret>;

/** A page of endpoints. */
export const webhookPage = pageOf(webhook);
