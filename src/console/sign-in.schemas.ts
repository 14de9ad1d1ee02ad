import { z } from 'zod';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { text } from '../http/text.ts';

const tenant = text(1, 64).meta({ description: 'Slug of the tenant.', examples: ['acme'] });

/** The query for the ways to sign in. */
export const waysQuery = z.strictObject({ tenant });
export type WaysQuery = z.output<typeof waysQuery>;

/** The query for a sign-in. */
export const signInQuery = z.strictObject({ tenant, issuer: filterId('cis', 'identity provider for the console') });
export type SignInQuery = z.output<typeof signInQuery>;

/** The query with which a provider sends the browser back. It may have more, such as `code` or `error`. */
export const callbackQuery = z.object({
  state: z.string().max(1_024).optional().meta({ description: 'What the provider got with the browser.' }),
});
export type CallbackQuery = z.output<typeof callbackQuery>;

/** The ways to sign in to the console of a tenant. */
export const signInWays = z
  .object({
    data: z.array(
      z
        .object({ issuerId: idOf('cis', 'identity provider for the console'), name: z.string() })
        .meta({ id: 'SignInWay', examples: [{ issuerId: exampleId('cis'), name: 'Acme staff' }] }),
    ),
  })
  .meta({ id: 'SignInWays', examples: [{ data: [{ issuerId: exampleId('cis'), name: 'Acme staff' }] }] });
