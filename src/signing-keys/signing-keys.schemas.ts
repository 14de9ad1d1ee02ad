import { z } from 'zod';
import { idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';

export const signingKey = z
  .object({
    id: idOf('sgk', 'signing key'),
    arn: z.string().meta({ description: 'ARN of the public half at IVS; the `kid` of the tokens.' }),
    state: z.enum(['active', 'retiring']).meta({ description: 'retiring: signs no more, its tokens still work.' }),
    createdAt: z.iso.datetime(),
    lastTokenExpiresAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'SigningKey' });
export type SigningKey = z.output<typeof signingKey>;

export const signingKeyPage = pageOf(signingKey);
