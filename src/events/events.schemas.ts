import { z } from 'zod';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageQuery } from '../http/paging.ts';
import { dateTime, text, userId } from '../http/text.ts';
import { idOfPlace } from './event-id.ts';
import { type EventType, eventTypes, isEventType } from './event-types.ts';

/** Schema of the filter by type: types with commas between. */
const types = text(1, 1024)
  .transform((value) => value.split(','))
  .refine((names) => names.every(isEventType), {
    error: `must be types of events with commas between. The types are ${Object.keys(eventTypes).join(', ')}`,
  })
  .meta({
    description: 'Only events of this type. Several types have commas between.',
    examples: ['ban.created,ban.lifted'],
  });

const filters = {
  type: types.optional(),
  spaceId: filterId('spc', 'space').optional(),
};

const after = filterId('evt', 'event')
  .optional()
  .meta({ description: 'Only events after this one. The event may have been dropped for its age since.' });

/** The query of the list of events. */
export const eventsQuery = z.strictObject({
  limit: pageQuery.limit,
  ...filters,
  userId: userId.optional(),
  after,
  cursor: text(1, 64).optional().meta({
    description: '`nextCursor` of the previous page. It counts, and not `after`.',
  }),
  since: dateTime.optional().meta({ description: 'Only events that happened at this time or later.' }),
});
export type EventsQuery = z.output<typeof eventsQuery>;

/** The query of the stream of events. */
export const eventStreamQuery = z.strictObject(filters);
export type EventStreamQuery = z.output<typeof eventStreamQuery>;

/** `ban.created` becomes `BanCreated`. */
function pascalCase(type: string): string {
  return type.replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The times of the example. */
const at = '2026-03-01T19:00:00.000Z';

function schemaOf(type: EventType) {
  const { summary, data, example } = eventTypes[type];
  const name = pascalCase(type);
  const ofUser = /^(ban|member|grant|participant)\./.test(type);
  const ofSpace = ofUser || /^(space|session|action)\./.test(type);
  return z
    .object({
      id: idOf('evt', 'event'),
      type: z.literal(type),
      tenantId: idOf('ten', 'tenant'),
      spaceId: z
        .string()
        .optional()
        .meta({ description: 'Id of the space that the event is about, if it is about one.' }),
      userId: z
        .string()
        .optional()
        .meta({ description: 'Id of the user whom the event is about, if it is about one.' }),
      at: z.iso.datetime().meta({ description: 'When it happened. The order of the events is that of their ids.' }),
      data: (data as z.ZodObject).meta({ id: `${name}Data`, examples: [example] }),
    })
    .meta({
      id: `${name}Event`,
      description: summary,
      examples: [
        {
          id: exampleId('evt'),
          type,
          tenantId: exampleId('ten'),
          ...(ofSpace && { spaceId: exampleId('spc') }),
          ...(ofUser && { userId: 'user-42' }),
          at,
          data: example,
        },
      ],
    });
}

const [first, ...others] = (Object.keys(eventTypes) as EventType[]).map(schemaOf);
if (!first) throw new Error('there is no type of event');

/** The schema of each type of event, with its example. */
export const eventSchemas = [first, ...others] as const;

const banCreated = eventSchemas.find(({ shape }) => shape.type.value === 'ban.created');
const examples = (banCreated?.meta()?.['examples'] ?? []) as unknown[];

/** An event, as answers and streams show it. */
export const event = z.discriminatedUnion('type', [first, ...others]).meta({ id: 'Event', examples });
export type EventAnswer = z.output<typeof event>;

/** A page of events. */
export const eventPage = z
  .object({
    data: z.array(event),
    nextCursor: z.string().meta({
      description:
        'Cursor of the next page. It is never null: at the end of the log, ask with it again later. A page may have fewer events than `limit`, or none, and more to come all the same.',
    }),
    hasMore: z.boolean().meta({ description: 'False: the page has reached the end of the log.' }),
    missed: z.int().meta({
      description:
        'How many events of the tenant after the asked place were dropped for their age, of any type. They cannot be read any more.',
    }),
  })
  .meta({
    id: 'EventPage',
    examples: [{ data: examples, nextCursor: idOfPlace(7), hasMore: false, missed: 0 }],
  });
export type EventPage = z.output<typeof eventPage>;

/** The body of the stream. */
export const eventStream = z.string().meta({
  id: 'EventStream',
  description: 'Server-sent events: `id` is the id of the event, `event` its type, and `data` the event as JSON.',
  examples: [`id: ${exampleId('evt')}\nevent: ban.created\ndata: ${JSON.stringify(examples[0])}\n\n`],
});
