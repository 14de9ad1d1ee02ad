import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { callFaults, type CallFault } from './webhook-call.ts';

/** The states of a delivery. */
export const deliveryStates = ['pending', 'delivered', 'failed'] as const;

const state = z.enum(deliveryStates).meta({
  description:
    '`pending`: it is sent, or sent again, until it succeeds. `delivered`: the receiver answered 2xx. `failed`: all attempts of three days failed.',
});

/** The query of the list of deliveries. */
export const deliveriesQuery = z.strictObject({
  ...pageQuery,
  state: state.optional(),
});
export type DeliveriesQuery = z.output<typeof deliveriesQuery>;

/** A delivery of an event to an endpoint, as answers show it. */
export const webhookDelivery = z
  .object({
    id: idOf('whd', 'delivery'),
    webhookId: idOf('whk', 'webhook endpoint'),
    reason: z.enum(['event', 'test', 'replay']),
    eventId: idOf('evt', 'event'),
    type: z.string().meta({
      description: 'The type of the event; `webhook.test` of a test.',
    }),
    spaceId: z.string().nullable(),
    state,
    attempts: z.int(),
    attemptedAt: z.iso.datetime().nullable().meta({ description: 'The last attempt.' }),
    nextAttemptAt: z.iso.datetime().nullable().meta({
      description: 'null: there is none, or it waits for an earlier event of its space.',
    }),
    status: z.int().nullable().meta({
      description: 'HTTP status of the last answer; null: no answer came.',
    }),
    answer: z.string().nullable().meta({
      description: 'The first bytes of the last answer; null: there is none, or it was compressed.',
    }),
    error: z
      .enum(Object.keys(callFaults) as [CallFault, ...CallFault[]])
      .nullable()
      .meta({
        description: `Why the last attempt failed: ${Object.entries(callFaults)
          .map(([fault, words]) => `\`${fault}\`: ${words}`)
          .join('; ')}.`,
      }),
    createdAt: z.iso.datetime(),
    doneAt: z.iso.datetime().nullable(),
  })
  .meta({
    id: 'WebhookDelivery',
    examples: [
      {
        id: exampleId('whd'),
        webhookId: exampleId('whk'),
        reason: 'event',
        eventId: exampleId('evt'),
        type: 'ban.created',
        spaceId: exampleId('spc'),
        state: 'pending',
        attempts: 1,
        attemptedAt: '2026-03-01T19:00:00.100Z',
        nextAttemptAt: '2026-03-01T19:00:09.700Z',
        status: 503,
        answer: 'Service Unavailable',
        error: 'status',
        createdAt: '2026-03-01T19:00:00.000Z',
        doneAt: null,
      },
    ],
  });
export type WebhookDelivery = z.output<typeof webhookDelivery>;

/** A page of deliveries. */
export const webhookDeliveryPage = pageOf(webhookDelivery);
