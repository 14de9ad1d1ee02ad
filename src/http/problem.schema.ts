import { z } from 'zod';
import { type ProblemCode, problemKinds } from '../errors.ts';

const codes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]];

/** Schema of the RFC 9457 document that answers every failure. Only the OpenAPI document uses it. */
export const problemSchema = {
  name: 'Problem',
  schema: z.looseObject({
    type: z.string().meta({ description: 'Where this code is explained, on this service.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened and what to do about it.' }),
    code: z.enum(codes),
    requestId: z.string().meta({ description: 'Name it when you report the problem.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'For `invalid_request`: each fault, and the dotted path of the field it is in.' }),
  }),
};
