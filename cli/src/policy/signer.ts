/**
 * JWTs with the claims of a policy. The identity provider does not sign them, so an issuer is registered for the time of the
 * test: it has the rules of the real one (the paths of the claims, the roles, the prefix), and a key of its own.
 */
import { randomUUID } from 'node:crypto';
import type { components } from '@stagedoor/client/server';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Connection } from '../connection.ts';
import { UsageError } from '../errors.ts';

type Api = Connection['api'];
type Issuer = components['schemas']['Issuer'];

/** What `iss` of the issuers of policy tests begins with. `.invalid` is nobody's name. */
const ownIssuers = 'https://policy-test.stagedoor.invalid/';

/** An issuer that is older was left behind by a test that was killed. */
const leftBehindMs = 60 * 60_000;

/** How long a JWT of a test is good, in seconds. */
const lifeSeconds = 300;

export interface Signer {
  /** The JWT with these claims. */
  sign(claims: Record<string, unknown>): Promise<string>;
  /** Deletes the issuer. */
  end(): Promise<void>;
}

/**
 * Registers an issuer with the rules of another.
 * @param wanted the id or the `iss` of the other; undefined: the only one that the tenant has.
 */
export async function createSigner(api: Api, wanted: string | undefined): Promise<Signer> {
  const issuers: Issuer[] = [];
  for await (const one of api.list('/v1/issuers')) issuers.push(one);
  for (const { id, issuer, createdAt } of issuers) {
    const isLeft = issuer.startsWith(ownIssuers) && Date.now() - Date.parse(createdAt) > leftBehindMs;
    if (isLeft) await api.DELETE('/v1/issuers/{issuerId}', { params: { path: { issuerId: id } } });
  }
  const real = chosen(
    issuers.filter(({ issuer }) => !issuer.startsWith(ownIssuers)),
    wanted,
  );
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const issuer = `${ownIssuers}${randomUUID()}`;
  const made = await api.POST('/v1/issuers', {
    body: {
      issuer,
      audience: real.audience,
      ...(real.audienceClaim !== undefined && { audienceClaim: real.audienceClaim }),
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'policy-test', alg: 'ES256', use: 'sig' }] },
      claims: real.claims,
      ...(real.roles && { roles: real.roles }),
      ...(real.userIdPrefix !== undefined && { userIdPrefix: real.userIdPrefix }),
    } as components['schemas']['CreateIssuerRequest'],
  });
  return {
    async sign(claims) {
      const path = real.audienceClaim ?? 'aud';
      return await new SignJWT({ ...withAudience(claims, path, real.audience), iss: issuer } as JWTPayload)
        .setProtectedHeader({ alg: 'ES256', kid: 'policy-test', typ: 'JWT' })
        .setIssuedAt((claims['iat'] as number | undefined) ?? Math.floor(Date.now() / 1_000) - 1)
        .setExpirationTime((claims['exp'] as number | undefined) ?? Math.floor(Date.now() / 1_000) + lifeSeconds)
        .sign(privateKey);
    },
    async end() {
      await api.DELETE('/v1/issuers/{issuerId}', { params: { path: { issuerId: made.id } } });
    },
  };
}

function chosen(issuers: Issuer[], wanted: string | undefined): Issuer {
  const fitting = issuers.filter(({ id, issuer }) => wanted === undefined || wanted === id || wanted === issuer);
  if (fitting.length === 1 && fitting[0]) return fitting[0];
  const known = issuers.map(({ id, issuer }) => `${id} (${issuer})`).join(', ') || 'none';
  throw new UsageError(
    wanted === undefined
      ? `The policy has claims, so it must name the issuer with whose rules they are read. There is ${known}.`
      : `${fitting.length === 0 ? 'No issuer is' : 'Several issuers are'} ${wanted}: name one by its id. There is ${known}.`,
  );
}

/** The claims with the audience, unless they have one. A path with dots leads into objects. */
function withAudience(claims: Record<string, unknown>, path: string, audience: string): Record<string, unknown> {
  if (claims[path] !== undefined) return claims;
  const [name = path, ...rest] = path.split('.');
  if (rest.length === 0) return { ...claims, [name]: audience };
  const inside = claims[name];
  const object = typeof inside === 'object' && inside !== null ? (inside as Record<string, unknown>) : {};
  return { ...claims, [name]: withAudience(object, rest.join('.'), audience) };
}
