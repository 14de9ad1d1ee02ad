import { z } from 'zod';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { dateTime } from '../http/text.ts';
import { limits } from '../limits.ts';

const codes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]];

/** The query of the counts. */
export const refusalsQuery = z.strictObject({
  since: dateTime.optional().meta({
    description: `Only hours that end after this time. Without it: the last 24 hours. Counts are kept for ${limits.refusalDays} days.`,
  }),
});
export type RefusalsQuery = z.output<typeof refusalsQuery>;

const refusalExample = { hour: '2026-03-01T19:00:00.000Z', reason: 'banned', requests: 12 } as const;

/** The refusals of an hour for a reason. */
const refusalCount = z
  .object({
    hour: z.iso.datetime().meta({ description: 'The beginning of the hour, in UTC.' }),
    reason: z.enum(codes).meta({
      id: 'RefusalReason',
      description: 'The `code` of the problem that the caller was answered.',
    }),
    requests: z.int().meta({ description: 'Number of requests, repeated ones included.' }),
  })
  .meta({ id: 'RefusalCount', examples: [refusalExample] });

/** The answer of the route. */
export const refusalCounts = z.object({ data: z.array(refusalCount) }).meta({
  id: 'RefusalCounts',
  description: 'The oldest hour comes first. Hours and reasons without a refusal are left out.',
  examples: [{ data: [refusalExample] }],
});
export type RefusalCountsAnswer = z.output<typeof refusalCounts>;
