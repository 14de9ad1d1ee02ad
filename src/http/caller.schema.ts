import { z } from 'zod';

/** A caller in answers: `CallerRef` as a schema. */
export const callerSchema = z
  .object({
    kind: z.enum(['operator', 'apiKey', 'consoleUser', 'user']),
    id: z
      .string()
      .meta({ description: 'Id of the API key, user id of the user or of the person at the console, or `operator`.' }),
  })
  .meta({ id: 'Caller', examples: [{ kind: 'user', id: 'user-7' }] });
