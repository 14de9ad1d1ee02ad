import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { erasureSteps } from './erasure-steps.ts';

const exampleName = 'erased:0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e';

/** What was deleted, or changed, in rows. */
export const countedRows = z
  .object({ what: z.string(), rows: z.int() })
  .meta({ id: 'CountedRows', description: 'How many rows of a kind.', examples: [{ what: 'grants', rows: 12 }] });

/** What is still there afterwards. */
export const remainingThing = z
  .object({
    what: z.string(),
    why: z.string(),
    until: z.iso.datetime().nullable().meta({ description: 'When it ends at the latest; null: it stays.' }),
  })
  .meta({
    id: 'RemainingThing',
    description: 'What is still there afterwards, and why.',
    examples: [{ what: 'Entries of the audit log', why: 'The chain would break.', until: '2027-04-05T19:30:00.000Z' }],
  });
export type RemainingThing = z.output<typeof remainingThing>;

/** The erasure of a person, as answers show it. */
export const erasure = z
  .object({
    id: idOf('act', 'action of the erasure'),
    name: z
      .string()
      .meta({ description: 'What stands in the place of the user id. Bans of the user hold on under it.' }),
    state: z.enum(['running', 'waiting', 'finished']).meta({
      id: 'ErasureState',
      description:
        'running: the service goes over the rows of the tenant. waiting: some rows are needed until tokens of the user have expired; the service comes back for them. finished: nothing is left but what `remains` lists.',
    }),
    requestedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    erased: z.array(countedRows).meta({
      description: `Rows that were changed or deleted, by kind: ${erasureSteps.map(({ what }) => what).join(', ')}.`,
    }),
    waitingRows: z.int().meta({ description: 'Rows of the user that are needed for a while.' }),
    remains: z.array(remainingThing),
  })
  .meta({
    id: 'Erasure',
    examples: [
      {
        id: exampleId('act'),
        name: exampleName,
        state: 'finished',
        requestedAt: '2026-03-01T19:30:00.000Z',
        finishedAt: '2026-03-01T19:42:00.000Z',
        erased: [{ what: 'grants', rows: 12 }],
        waitingRows: 0,
        remains: [
          { what: 'Entries of the audit log', why: 'The chain would break.', until: '2027-04-05T19:30:00.000Z' },
        ],
      },
    ],
  });
export type Erasure = z.output<typeof erasure>;
