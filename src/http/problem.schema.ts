import { z } from 'zod';
import { type ProblemCode, problemKinds } from '../errors.ts';

const codes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]];

const inputFault = z
  .object({
    path: z.string().meta({ description: 'Dotted path of the field; empty for the whole body.' }),
    message: z.string().meta({ description: 'What to change.' }),
  })
  .meta({ id: 'InputFault', examples: [{ path: 'name', message: 'is required' }] });

/** Schema of the RFC 9457 document that answers every failure. Only the OpenAPI document uses it. */
export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Path of the page of this service that explains the code.' }),
    title: z.string().meta({ description: 'What the code means. It is the same for every problem with this code.' }),
    status: z.int().meta({ description: 'The HTTP status.' }),
    detail: z.string().meta({ description: 'What happened, and what to do.' }),
    code: z.enum(codes).meta({ id: 'ProblemCode', description: 'The list of codes is closed.' }),
    requestId: z.string().meta({ description: 'Id of the request. Name it when you report the problem.' }),
    errors: z.array(inputFault).optional().meta({ description: 'For `invalid_request`: the faults of the input.' }),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: '/docs/problems/not_found',
        title: problemKinds.not_found.title,
        status: 404,
        detail: 'There is no such space.',
        code: 'not_found',
        requestId: '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e',
      },
    ],
  });
