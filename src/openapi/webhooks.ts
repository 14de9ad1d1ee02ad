import type { z } from 'zod';
import { eventSchemas } from '../events/events.schemas.ts';
import { eventTypes } from '../events/event-types.ts';
import type { Schema } from './schemas.ts';

/** Converts a zod schema: what describes it, and the components that it refers to. */
type Convert = (schema: z.ZodType) => { schema: Schema; components: Record<string, Schema> };

/**
 * The `webhooks` section of the document: a request for each type of event, as a receiver gets it. `components` are the schemas
 * that it refers to.
 */
export function describeWebhooks(convert: Convert): {
  webhooks: Record<string, object>;
  components: Record<string, Schema>;
} {
  const components: Record<string, Schema> = {};
  const webhooks = eventSchemas.map((event) => {
    Object.assign(components, convert(event).components);
    const type = event.shape.type.value;
    const { id, examples = [] } = event.meta() as { id: string; examples?: unknown[] };
    const content = {
      'application/json': {
        schema: { $ref: `#/components/schemas/${id}` },
        examples: { [type]: { value: examples[0] } },
      },
    };
    const post = {
      operationId: `on${id}`,
      summary: eventTypes[type].summary,
      tags: ['Events'],
      security: [], // the request carries a signature
      requestBody: { required: true, content },
      responses: { '2XX': { description: 'The receiver has the event.' } },
    };
    return [type, { post }] as const;
  });
  return { webhooks: Object.fromEntries(webhooks), components };
}
