/**
 * What a team would write without Stagedoor to vend stage tokens: Fastify, `pg` and `jose`, one transaction a vend, the same
 * checks, the same signature, a grant and an audit row that are committed before the token leaves. It cannot ban anybody, and
 * disconnects nobody: only vending is compared. It is a process of its own, with PORT, DATABASE_URL, KEY_ARN and
 * PRIVATE_KEY in its environment.
 */
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { promisify } from 'node:util';

import { fastify } from 'fastify';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import pg from 'pg';

import { admit, connect, type Caller, Refused } from './vend.ts';

const { PORT, DATABASE_URL, KEY_ARN, PRIVATE_KEY } = process.env as Record<string, string>;
const privateKey = createPrivateKey(PRIVATE_KEY ?? '');
const signAsync = promisify(sign);
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
connect(pool);

interface Issuer {
  id: string;
  tenantId: string;
  audience: string;
  keys: ReturnType<typeof createLocalJWKSet>;
}
const issuers = new LRUCache<string, Issuer>({ max: 1_000, ttl: 60_000 });
const verified = new LRUCache<string, { caller: Caller; exp: number }>({ max: 10_000, ttl: 60_000 });

async function issuerOf(name: string): Promise<Issuer> {
  const known = issuers.get(name);
  if (known) return known;
  const { rows } = await pool.query<{ id: string; tenant_id: string; audience: string; jwks: JSONWebKeySet }>(
    'select id, tenant_id, audience, jwks from issuers where issuer = $1',
    [name],
  );
  const [row] = rows;
  if (!row) throw new Refused(401, 'unknown issuer');
  const found = { id: row.id, tenantId: row.tenant_id, audience: row.audience, keys: createLocalJWKSet(row.jwks) };
  issuers.set(name, found);
  return found;
}

async function authenticate(authorization: string | undefined): Promise<Caller> {
  const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new Refused(401, 'no token');
  const known = verified.get(token);
  if (known && known.exp > Date.now() / 1_000) return known.caller;
  try {
    const name = decodeJwt(token).iss ?? '';
    const issuer = await issuerOf(name);
    const { payload } = await jwtVerify(token, issuer.keys, {
      issuer: name,
      audience: issuer.audience,
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    const caller = { tenantId: issuer.tenantId, issuerId: issuer.id, userId: payload.sub ?? '' };
    verified.set(token, { caller, exp: payload.exp ?? 0 });
    return caller;
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(401, 'the token is not valid');
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const app = fastify({ genReqId: () => randomUUID() });
app.get('/health/ready', () => ({ status: 'ok' }));
app.setErrorHandler((error, _request, reply) => {
  const status = error instanceof Refused ? error.status : 500;
  if (status === 500) console.error(error);
  void reply.status(status).send({ error: error instanceof Refused ? error.message : 'internal' });
});
app.post<{ Params: { spaceId: string }; Body: { attributes?: Record<string, string> } }>(
  '/v1/spaces/:spaceId/stage-tokens',
  {
    schema: {
      params: { type: 'object', properties: { spaceId: { type: 'string', pattern: '^spc_[0-9a-z]{26}$' } } },
      body: {
        type: 'object',
        additionalProperties: false,
        properties: { attributes: { type: 'object', additionalProperties: { type: 'string' } } },
      },
      response: {
        201: {
          type: 'object',
          properties: {
            grantId: { type: 'string' },
            token: { type: 'string' },
            participantId: { type: 'string' },
            capabilities: { type: 'array', items: { type: 'string' } },
            attributes: { type: 'object', additionalProperties: { type: 'string' } },
            expiresAt: { type: 'string' },
          },
        },
      },
    },
  },
  async (request, reply) => {
    const caller = await authenticate(request.headers.authorization);
    const grant = { id: randomUUID(), participantId: randomUUID() };
    const { space, role, issuedAt } = await admit(pool, caller, request.params.spaceId, grant, request.id);
    const expiresAt = issuedAt + role.ttl_seconds;
    const attributes = { ...role.attributes, ...request.body.attributes };
    const claims = {
      exp: expiresAt,
      iat: issuedAt,
      jti: grant.participantId,
      resource: space.stage_arn,
      topic: space.stage_arn.slice(space.stage_arn.lastIndexOf('/') + 1),
      events_url: space.endpoints.events,
      whip_url: space.endpoints.whip,
      user_id: caller.userId,
      attributes,
      capabilities: {
        ...(role.capabilities.includes('PUBLISH') && { allow_publish: true }),
        ...(role.capabilities.includes('SUBSCRIBE') && { allow_subscribe: true }),
      },
      version: '1.0',
    };
    const text = `${encode({ alg: 'ES384', typ: 'JWT', kid: KEY_ARN })}.${encode(claims)}`;
    const signature = await signAsync('sha384', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return await reply
      .status(201)
      .header('cache-control', 'no-store')
      .send({
        grantId: grant.id,
        token: `${text}.${signature.toString('base64url')}`,
        participantId: grant.participantId,
        capabilities: role.capabilities,
        attributes,
        expiresAt: new Date(expiresAt * 1_000).toISOString(),
      });
  },
);
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
