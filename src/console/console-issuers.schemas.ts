import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';
import { isClaimPath, maxPathLength } from '../issuers/user-claims.ts';

const name = text(1, 100).meta({
  description: 'What the button of the sign-in calls the provider. Whoever knows the slug of the tenant can read it.',
  examples: ['Acme staff'],
});
const issuer = text(1, 512).meta({
  description:
    'The issuer of the provider (OpenID Connect): https, port 443, at a public address. The service reads `/.well-known/openid-configuration` below it, and follows no redirects.',
  examples: ['https://login.example.com/'],
});
const clientId = text(1, 256).meta({
  description: 'Id of the client that was registered at the provider.',
});
const clientSecret = text(1, 1_024).meta({
  description: 'Secret of the client. Without one it is a public client. No answer contains it.',
});
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'must be a scope of OAuth 2.0 (RFC 6749)');
const scopes = z
  .array(scope)
  .min(1)
  .max(20)
  .refine((given) => given.includes('openid'), { error: 'must have openid' })
  .meta({
    description: 'What the sign-in asks the provider for.',
    examples: [['openid', 'profile']],
  });
const claimPath = text(1, maxPathLength).refine(isClaimPath, {
  error: 'must be at most 10 names with dots between',
});
const claims = z
  .strictObject({
    userId: claimPath.default('sub').meta({
      description:
        'Path of the claim of the ID token that holds the user id. `email` counts only if `email_verified` is true.',
    }),
    name: claimPath.default('name').meta({ description: 'Path of the claim with the name of the person.' }),
  })
  .meta({
    id: 'ConsoleClaimsInput',
    examples: [{ userId: 'sub', name: 'name' }],
  });

/** The body for registering an identity provider for the console. */
export const createConsoleIssuerBody = z
  .strictObject({
    name,
    issuer,
    clientId,
    clientSecret: clientSecret.optional(),
    scopes: scopes.default(['openid', 'profile', 'email']),
    claims: claims.prefault({}),
  })
  .meta({
    id: 'CreateConsoleIssuerRequest',
    examples: [
      {
        name: 'Acme staff',
        issuer: 'https://login.example.com/',
        clientId: 'stagedoor-console',
      },
    ],
  });
export type CreateConsoleIssuerBody = z.output<typeof createConsoleIssuerBody>;

/** The body for changing it. What is absent stays as it is. */
export const updateConsoleIssuerBody = z
  .strictObject({
    name: name.optional(),
    clientId: clientId.optional(),
    clientSecret: clientSecret.nullable().optional(),
    scopes: scopes.optional(),
    claims: claims.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, {
    error: 'must change something',
  })
  .meta({
    id: 'UpdateConsoleIssuerRequest',
    examples: [{ clientSecret: 'the next secret of the client' }],
  });
export type UpdateConsoleIssuerBody = z.output<typeof updateConsoleIssuerBody>;

/** An identity provider for the console, as answers show it. */
export const consoleIssuer = z
  .object({
    id: idOf('cis', 'identity provider for the console'),
    name,
    issuer,
    clientId,
    hasClientSecret: z.boolean(),
    scopes: z.array(z.string()),
    claims: z.object({ userId: z.string(), name: z.string() }).meta({
      id: 'ConsoleClaims',
      examples: [{ userId: 'sub', name: 'name' }],
    }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({
    id: 'ConsoleIssuer',
    examples: [
      {
        id: exampleId('cis'),
        name: 'Acme staff',
        issuer: 'https://login.example.com/',
        clientId: 'stagedoor-console',
        hasClientSecret: true,
        scopes: ['openid', 'profile', 'email'],
        claims: { userId: 'sub', name: 'name' },
        createdAt: '2026-03-01T19:00:00.000Z',
        updatedAt: '2026-03-01T19:00:00.000Z',
      },
    ],
  });
export type ConsoleIssuer = z.output<typeof consoleIssuer>;

/** A page of identity providers for the console. */
export const consoleIssuerPage = pageOf(consoleIssuer);
