/** What several types of events are made of. */
import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import type { IdPrefix } from '../ids.ts';

/** Who made it happen. */
export const by = z
  .object({
    kind: z.enum(['operator', 'apiKey', 'consoleUser', 'user', 'system']),
    id: z.string().meta({ description: 'Id of the API key, user id of the user, or a name.' }),
  })
  .meta({
    id: 'EventCaller',
    description: 'Who made it happen. `system` is the service itself.',
    examples: [{ kind: 'apiKey', id: exampleId('key') }],
  });
export const byExample = { kind: 'apiKey', id: exampleId('key') } as const;

export const time = z.iso.datetime();
export const reason = z.string().nullable().meta({ description: 'The reason that the moderator gave.' });
export const id = (prefix: IdPrefix, what: string) => idOf(prefix, what);
export const actionKind = z.string().meta({ description: 'The `kind` of the action.' });

/** The example of the ban, the action and the times that several types tell of. */
export const soon = '2026-03-01T20:00:00.000Z';
export const earlier = '2026-03-01T19:00:00.000Z';

/** What a type of event tells: its meaning, its `data`, and an example of them. */
export interface EventTypeOf<Data extends z.ZodObject> {
  summary: string;
  data: Data;
  example: z.output<Data>;
}

export function type<Data extends z.ZodObject>(
  summary: string,
  data: Data,
  example: NoInfer<z.output<Data>>,
): EventTypeOf<Data> {
  return { summary, data, example };
}
