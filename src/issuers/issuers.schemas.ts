import { z } from 'zod';
import { idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';
import { type Algorithm, algorithms, publicKeyAlgorithms, secretAlgorithms } from './algorithms.ts';
import { jwk, type Jwk, maxKeys, usableKeys } from './public-keys.ts';

/** Issuer or audience, as tokens hold it. Both stand in one index entry of Postgres, which takes 2.7 kB. */
const name = text(1, 512).refine((value) => Buffer.byteLength(value) <= 1_024 && !/\p{Cc}/u.test(value), {
  error: 'must have at most 1024 bytes and no control characters',
});

const claimPath = text(1, 256).refine((path) => path.split('.').length <= 10 && !path.split('.').includes(''), {
  error: 'must be at most 10 names with dots between them',
});

const claimPaths = z.strictObject({
  userId: claimPath.default('sub'),
  role: claimPath.optional().meta({ description: 'Counts only where it names a role of the tenant.' }),
  name: claimPath.optional().meta({ description: 'What templates get as `{{claims.name}}`.' }),
});

const issuerName = name.meta({
  description: '`iss` of the tokens, byte for byte.',
  examples: ['https://login.example.com/'],
});
const audience = name.meta({
  description: '`aud` of the tokens, or one of them. The pair of issuer and audience selects the tenant.',
});
const jwksUri = text(1, 2_048).meta({
  description:
    'Where the issuer publishes its keys: https, on port 443, at a public address; redirects are not followed.',
});
const jwks = z.strictObject({ keys: z.array(jwk).min(1).max(maxKeys) });
const userIdPrefix = text(1, 64).meta({
  description: 'Put before each user id: keeps the users of two issuers apart.',
});

const distinctAlgorithms = z
  .array(z.enum(algorithms))
  .min(1)
  .refine((given) => new Set(given).size === given.length, { error: 'must not name an algorithm twice' });

const secret = z
  .string()
  .max(1_024)
  .refine((value) => value.isWellFormed() && Buffer.byteLength(value) >= 32, { error: 'must have at least 32 bytes' })
  .refine((value) => new Set(value).size >= 10, { error: 'must be random' })
  // Whoever knows the public key could sign tokens with it.
  .refine((value) => !/^\s*(-----BEGIN|\{|ssh-|ecdsa-)/.test(value), {
    error: 'must be a secret, not a key: send public keys as jwks',
  })
  .meta({ description: 'Shared secret for HS256; its UTF-8 bytes are the key. Answers never hold it.' });

export const createIssuerBody = z
  .strictObject({
    issuer: issuerName,
    audience,
    jwksUri: jwksUri.optional(),
    jwks: jwks.optional(),
    secret: secret.optional(),
    algorithms: distinctAlgorithms
      .optional()
      .meta({ description: 'Accepted algorithms; by default all that fit the keys, or HS256 with a secret.' }),
    claims: claimPaths.prefault({}).meta({ description: 'Dotted paths of the claims that are used.' }),
    userIdPrefix: userIdPrefix.optional(),
  })
  .superRefine((body, context) => {
    const sources = [body.jwksUri, body.jwks, body.secret].filter((source) => source !== undefined);
    if (sources.length !== 1) {
      context.addIssue({ code: 'custom', message: 'must have exactly one of jwksUri, jwks and secret' });
      return;
    }
    const fitting = fittingAlgorithms(body);
    const other = body.algorithms?.find((algorithm) => !fitting.includes(algorithm));
    if (other !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['algorithms'],
        message: `${other} does not fit: ${fitting.join(', ')}`,
      });
    }
  })
  .meta({ id: 'CreateIssuer' });
export type CreateIssuerBody = z.output<typeof createIssuerBody>;

/** The algorithms that tokens can have, given where the keys come from. */
export function fittingAlgorithms(body: {
  secret?: unknown;
  jwks?: { keys: Jwk[] } | undefined;
}): readonly Algorithm[] {
  if (body.secret !== undefined) return secretAlgorithms;
  if (!body.jwks) return publicKeyAlgorithms;
  const fitting = new Set(usableKeys(body.jwks.keys).flatMap((key) => key.algorithms));
  return publicKeyAlgorithms.filter((algorithm) => fitting.has(algorithm));
}

export const issuer = z
  .object({
    id: idOf('iss', 'issuer'),
    issuer: issuerName,
    audience,
    jwksUri: jwksUri.optional(),
    jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).optional(),
    algorithms: distinctAlgorithms,
    claims: z.object({ userId: z.string(), role: z.string().optional(), name: z.string().optional() }),
    userIdPrefix: userIdPrefix.optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Issuer' });
export type Issuer = z.output<typeof issuer>;

export const issuerPage = pageOf(issuer);
