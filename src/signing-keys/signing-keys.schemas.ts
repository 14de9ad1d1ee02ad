import { z } from 'zod';
import { mostTokensCounted } from '../grants/ledger.ts';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';

/** A signing key, as answers show it. */
export const signingKey = z
  .object({
    id: idOf('sgk', 'signing key'),
    arn: z.string().meta({ description: 'ARN of the public key at IVS. It is the `kid` of the tokens.' }),
    state: z.enum(['active', 'retiring']).meta({
      id: 'SigningKeyState',
      description: 'active: the key signs tokens. retiring: it signs no tokens, but its tokens are valid.',
    }),
    createdAt: z.iso.datetime(),
    lastTokenExpiresAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Time at which the last token of the key expires; null: it has signed none.' }),
  })
  .meta({
    id: 'SigningKey',
    examples: [
      {
        id: exampleId('sgk'),
        arn: 'arn:aws:ivs:eu-west-1:123456789012:public-key/AbCdEfGh1234',
        state: 'active',
        createdAt: '2026-03-01T19:00:00.000Z',
        lastTokenExpiresAt: '2026-03-01T19:10:00.000Z',
      },
    ],
  });
export type SigningKey = z.output<typeof signingKey>;

/** What it did to delete a signing key at once. */
export const killedSigningKey = z
  .object({
    voided: z
      .int()
      .nullable()
      .meta({
        description: `Number of unexpired tokens that the key had signed; ${mostTokensCounted.toLocaleString('en')} stands for that many or more. null: they could not be counted in time. The key is deleted all the same.`,
      }),
  })
  .meta({ id: 'KilledSigningKey', examples: [{ voided: 128 }] });
export type KilledSigningKey = z.output<typeof killedSigningKey>;

/** A page of signing keys. */
export const signingKeyPage = pageOf(signingKey);
