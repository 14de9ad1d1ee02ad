import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';
import { type Algorithm, algorithms, includesAlgorithm, publicKeyAlgorithms, secretAlgorithms } from './algorithms.ts';
import { defaultAudienceClaim, maxAudienceClaimLength } from './audiences.ts';
import { type KeyFault, keyFaults } from './key-faults.ts';
import { exampleJwk, jwk, type Jwk, maxInlineKeys, usableKeys } from './public-keys.ts';
import { refineSecret, secretEncodings } from './shared-secret.ts';
import { defaultMaxLifeSeconds, isClaimPath, maxPathLength, maxRoleValueLength, maxRoleValues } from './user-claims.ts';

/** Schema of an issuer or an audience. Together they must fit into an index entry of Postgres, which is 2.7 kB. */
const name = text(1, 512).refine((value) => Buffer.byteLength(value) <= 1_024 && !/\p{Cc}/u.test(value), {
  error: 'must have at most 1024 bytes and no control characters',
});

const claimPath = text(1, maxPathLength).refine(isClaimPath, {
  error: 'must be at most 10 names with dots between them',
});

const pathDescriptions = {
  userId: { description: 'Path of the claim with the user id.' },
  role: {
    description:
      'Path of the claim with the role: a text, or an array of texts. Each value is the name of a role, unless `roles` maps it. Of those that the tenant has, the role of highest rank counts. Anything else in the claim counts as absent.',
  },
  name: { description: 'Path of the claim that attribute templates use as `{{claims.name}}`.' },
};
const claimPathsExample = { userId: 'sub', role: 'app.role', name: 'name' };

const claimPathsInput = z
  .strictObject({
    userId: claimPath.default('sub').meta(pathDescriptions.userId),
    role: claimPath.optional().meta(pathDescriptions.role),
    name: claimPath.optional().meta(pathDescriptions.name),
  })
  .meta({ id: 'ClaimPathsInput', examples: [claimPathsExample] });

const claimPaths = z
  .object({
    userId: z.string().meta(pathDescriptions.userId),
    role: z.string().optional().meta(pathDescriptions.role),
    name: z.string().optional().meta(pathDescriptions.name),
  })
  .meta({ id: 'ClaimPaths', examples: [claimPathsExample] });

const roleMap = {
  description: 'Values of the role claim, each with the name of the role that it stands for.',
  examples: [{ 'org:admin': 'host', 'org:member': 'speaker' }],
};
const roleMapInput = z
  .record(text(1, maxRoleValueLength), roleName)
  .refine((value) => Object.keys(value).length <= maxRoleValues, { error: `must map at most ${maxRoleValues} values` });

const issuerName = name.meta({
  description: '`iss` of the JWTs. It is compared byte for byte.',
  examples: ['https://login.example.com/'],
});
const audience = name.meta({
  description: 'What the JWTs have in the claim `audienceClaim`, alone or as one of several.',
  examples: ['acme-app'],
});
const audienceClaim = claimPath
  .refine((path) => path.length <= maxAudienceClaimLength, {
    error: `must have at most ${maxAudienceClaimLength} characters`,
  })
  .meta({
    description:
      'Path of the claim that holds the audience: text, or an array of texts. `client_id` for access tokens of Amazon Cognito and `azp` for session tokens of Clerk, for example.',
    examples: ['client_id'],
  });
const jwksUri = text(1, 2_048).meta({
  description:
    'URL of the public keys of the issuer: https, port 443, at a public address. The service does not follow redirects.',
  examples: ['https://login.example.com/.well-known/jwks.json'],
});
const jwksInput = z
  .strictObject({ keys: z.array(jwk).min(1).max(maxInlineKeys) })
  .meta({ id: 'JwksInput', description: 'The public keys of the issuer.', examples: [{ keys: [exampleJwk] }] });
const jwks = z
  .object({ keys: z.array(jwk) })
  .meta({ id: 'Jwks', description: 'The public keys of the issuer.', examples: [{ keys: [exampleJwk] }] });
const userIdPrefix = text(1, 64).meta({
  description: 'The service puts it before each user id. It keeps the users of two issuers apart.',
});

const algorithm = z
  .enum(algorithms)
  .meta({ id: 'JwtAlgorithm', description: 'Signature algorithm of a JWT (RFC 7518, RFC 8037).' });
const distinctAlgorithms = z
  .array(algorithm)
  .min(1)
  .refine((given) => new Set(given).size === given.length, { error: 'must not name an algorithm twice' });

const secret = z.string().min(1).max(1_024).meta({
  description:
    'Shared secret for HS256, HS384 or HS512, written as `secretEncoding` says: at least 32 random bytes. No answer contains it.',
});
const secretEncoding = z.enum(secretEncodings).meta({
  description: 'How `secret` is written. `utf8`: its UTF-8 bytes are the key.',
});
const maxLifeSeconds = z
  .int()
  .min(60)
  .max(30 * 24 * 3_600)
  .meta({
    description: 'Longest time from `iat` to `exp` of the JWTs, in seconds. A stolen JWT can be used as long.',
    examples: [defaultMaxLifeSeconds],
  });

/** The body for registering an issuer. */
export const createIssuerBody = z
  .strictObject({
    issuer: issuerName,
    audience,
    audienceClaim: audienceClaim.default(defaultAudienceClaim),
    jwksUri: jwksUri.optional(),
    jwks: jwksInput.optional(),
    secret: secret.optional(),
    secretEncoding: secretEncoding.optional(),
    algorithms: distinctAlgorithms
      .optional()
      .meta({ description: 'Accepted algorithms. Default: all that fit the keys, and HS256 for a secret.' }),
    maxLifeSeconds: maxLifeSeconds.default(defaultMaxLifeSeconds),
    claims: claimPathsInput.prefault({}).meta({ description: 'Dotted paths of the claims that the service reads.' }),
    roles: roleMapInput.optional().meta(roleMap),
    userIdPrefix: userIdPrefix.optional(),
  })
  .superRefine((body, context) => {
    refineSecret(body, context);
    if (body.jwksUri === undefined && body.jwks === undefined && body.secret === undefined) {
      context.addIssue({ code: 'custom', message: 'must have at least one of jwksUri, jwks and secret' });
      return;
    }
    const fitting = fittingAlgorithms(body);
    const other = body.algorithms?.find((algorithm) => !includesAlgorithm(fitting, algorithm));
    if (other !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['algorithms'],
        message: `${other} does not fit: ${fitting.join(', ')}`,
      });
    }
  })
  .meta({
    id: 'CreateIssuerRequest',
    description: 'It must have at least one of `jwksUri`, `jwks` and `secret`.',
    examples: [
      {
        issuer: 'https://login.example.com/',
        audience: 'acme-app',
        jwksUri: 'https://login.example.com/.well-known/jwks.json',
        claims: claimPathsExample,
      },
    ],
  });
export type CreateIssuerBody = z.output<typeof createIssuerBody>;

/** The body for changing an issuer. What is absent stays as it is. */
export const updateIssuerBody = z
  .strictObject({
    audience: audience.optional(),
    audienceClaim: audienceClaim.optional(),
    jwksUri: jwksUri.nullable().optional(),
    jwks: jwksInput.nullable().optional(),
    secret: secret.nullable().optional(),
    secretEncoding: secretEncoding.optional(),
    algorithms: distinctAlgorithms.optional().meta({
      description: 'Accepted algorithms. Without it, those that were registered stay, as far as they fit the keys.',
    }),
    maxLifeSeconds: maxLifeSeconds.optional(),
    claims: claimPathsInput.optional().meta({ description: 'Replaces all claim paths.' }),
    roles: roleMapInput.optional().meta({ ...roleMap, description: `${roleMap.description} Replaces all of them.` }),
    userIdPrefix: userIdPrefix.nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .superRefine(refineSecret)
  .meta({
    id: 'UpdateIssuerRequest',
    description:
      '`jwksUri`, `jwks` and `secret` each replace what the issuer has of their kind, and null removes it; at least one must stay. To rotate inline keys without an outage, send a `jwks` with the old and the new key first.',
    examples: [{ jwks: { keys: [exampleJwk] } }],
  });
export type UpdateIssuerBody = z.output<typeof updateIssuerBody>;

/** Sources of keys, as a body or a row has them. */
interface Sources {
  jwksUri?: string | null | undefined;
  secret?: unknown;
  jwks?: { keys: Jwk[] } | null | undefined;
}

/** The algorithms that fit the sources of keys. */
export function fittingAlgorithms({ jwksUri, jwks, secret }: Sources): readonly Algorithm[] {
  const fitting = new Set(usableKeys(jwks?.keys ?? []).flatMap((key) => key.algorithms));
  return [
    ...publicKeyAlgorithms.filter((algorithm) => typeof jwksUri === 'string' || fitting.has(algorithm)),
    ...(secret === undefined || secret === null ? [] : secretAlgorithms),
  ];
}

/** The algorithms of an issuer that names none. Those with longer hashes are for secrets that were made for them. */
export function defaultAlgorithms(sources: Sources): readonly Algorithm[] {
  return fittingAlgorithms(sources).filter((algorithm) => algorithm !== 'HS384' && algorithm !== 'HS512');
}

const keyState = z
  .object({
    state: z.enum(['ok', 'failing', 'unknown']).meta({
      description:
        'ok: there are keys. failing: the last fetch from `jwksUri` found none. unknown: nobody has fetched them yet.',
    }),
    usable: z
      .int()
      .meta({ description: 'Number of keys that can verify JWTs now, inline keys and the secret included.' }),
    fetchedAt: z.iso.datetime().optional().meta({ description: 'When keys were last fetched from `jwksUri`.' }),
    reason: z
      .enum(Object.keys(keyFaults) as [KeyFault, ...KeyFault[]])
      .optional()
      .meta({
        description: `Why the state is failing: of the issuer, ${Object.entries(keyFaults)
          .map(([fault, words]) => `\`${fault}\`: ${words}`)
          .join('; ')}.`,
      }),
  })
  .meta({ id: 'IssuerKeys', examples: [{ state: 'ok', usable: 2, fetchedAt: '2026-03-01T19:00:00.000Z' }] });

/** An issuer, as answers show it. */
export const issuer = z
  .object({
    id: idOf('iss', 'issuer'),
    issuer: issuerName,
    audience,
    audienceClaim: audienceClaim.optional().meta({ description: 'Absent: `aud`.' }),
    jwksUri: jwksUri.optional(),
    jwks: jwks.optional(),
    secretEncoding: secretEncoding.optional(),
    algorithms: z.array(algorithm),
    maxLifeSeconds,
    keys: keyState,
    claims: claimPaths,
    roles: z.record(z.string(), z.string()).optional().meta(roleMap),
    userIdPrefix: userIdPrefix.optional(),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'Issuer',
    examples: [
      {
        id: exampleId('iss'),
        issuer: 'https://login.example.com/',
        audience: 'acme-app',
        jwksUri: 'https://login.example.com/.well-known/jwks.json',
        algorithms: ['RS256', 'ES256'],
        maxLifeSeconds: defaultMaxLifeSeconds,
        keys: { state: 'ok', usable: 2, fetchedAt: '2026-03-01T19:00:00.000Z' },
        claims: claimPathsExample,
        createdAt: '2026-03-01T19:00:00.000Z',
      },
    ],
  });
export type Issuer = z.output<typeof issuer>;

/** A page of issuers. */
export const issuerPage = pageOf(issuer);
