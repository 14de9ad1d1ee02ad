/** Many tenants, grants and bans. They are written into the database, because API calls would take too long. */
import { generateKeyPairSync } from 'node:crypto';

import type pg from 'pg';

import type { Secrets as SecretsClass } from '../../src/secrets/secrets.ts';
import type { Issuer } from './issuers.ts';
import { root, type Deployment, withClient } from './deployment.ts';

const endpoints = { events: 'wss://global.events.live-video.net', whip: 'https://global.whip.live-video.net' };

/** Adds tenants numbered `from` to `to` - 1. Each has a role, an issuer, a space and a signing key of its own. */
export async function addTenants(deployment: Deployment, issuer: Issuer, from: number, to: number): Promise<void> {
  const { jwks } = issuer.registration as { jwks: object };
  await withClient(deployment.superuserUrl, async (client) => {
    const insert = async (sql: string, more: unknown[] = []) => await client.query(sql, [from, to - 1, ...more]);
    await insert(`insert into tenants (id, slug, name, region)
      select 'ten_' || n, 'bulk-' || n, 'Bulk ' || n, 'us-east-1' from generate_series($1::int, $2::int) n`);
    await insert(`insert into roles (tenant_id, name, stage_capabilities, stage_ttl_seconds)
      select 'ten_' || n, 'speaker', '{PUBLISH,SUBSCRIBE}', 600 from generate_series($1::int, $2::int) n`);
    await insert(
      `insert into issuers (tenant_id, id, issuer, audience, jwks, algorithms, claims)
      select 'ten_' || n, 'iss_' || n, 'https://bulk-' || n || '.example', 'bench', $3, '{ES256}', '{"userId":"sub"}'
        from generate_series($1::int, $2::int) n`,
      [JSON.stringify(jwks)],
    );
    await insert(
      `insert into spaces (tenant_id, id, name, default_role, stage_arn, stage_endpoints, stage_endpoints_at, ready_at)
      select 'ten_' || n, bulk_space(n), 'Bulk', 'speaker',
             'arn:aws:ivs:us-east-1:111122223333:stage/bulk' || n, $3, now(), now()
        from generate_series($1::int, $2::int) n`,
      [JSON.stringify(endpoints)],
    );
    await addSigningKeys(
      client,
      deployment.masterKey,
      Array.from({ length: to - from }, (_, at) => ({ tenantId: `ten_${from + at}`, id: `sgk_${from + at}` })),
    );
  });
}

/** SQL that makes the id of the space of such a tenant. */
export const bulkSpaceSql = `create function bulk_space(n int) returns text language sql immutable
  return 'spc_01m0' || lpad(n::text, 22, '0')`;

export function bulkSpaceId(n: number): string {
  return `spc_01m0${String(n).padStart(22, '0')}`;
}

/** Adds an active signing key of each of these tenants. All are the same key, sealed for each of them. */
export async function addSigningKeys(
  client: pg.Client,
  masterKey: Buffer,
  keys: { tenantId: string; id: string }[],
): Promise<void> {
  // The built class, because Node does not run the decorators of its source.
  const { Secrets } = (await import(`${root}/dist/secrets/secrets.js`)) as { Secrets: typeof SecretsClass };
  const secrets = new Secrets({ masterKeys: [masterKey] });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const sealed = await Promise.all(
    keys.map((owner) => secrets.seal(der, { ...owner, column: 'signing_keys.private_key' })),
  );
  await client.query(
    `insert into signing_keys (tenant_id, id, arn, state, private_key, public_key)
     select tenant, id, 'arn:aws:ivs:us-east-1:111122223333:public-key/' || id, 'active', key, ''
       from unnest($1::text[], $2::text[], $3::bytea[]) as k (tenant, id, key)`,
    [keys.map(({ tenantId }) => tenantId), keys.map(({ id }) => id), sealed],
  );
}

/** Adds grants of a tenant, ten for each user, spread over its spaces. Half of them have expired. */
export async function addGrants(
  deployment: Deployment,
  tenantId: string,
  spaceIds: string[],
  from: number,
  to: number,
) {
  await withClient(deployment.superuserUrl, (client) =>
    client.query(
      `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, participant_id, capabilities,
                           state, issued_at, expires_at, session_expires_at)
       select $1, 'grt_' || $1 || n, ($2::text[])[1 + n % cardinality($2::text[])], 'user-' || n / 10, 'user-' || n / 10,
              'stage', 'speaker', 'key-pair', 'participant' || n, '{PUBLISH,SUBSCRIBE}', 'released',
              at, at + interval '10 minutes', at + interval '10 minutes'
         from (select n, now() - (n % 20) * interval '1 minute' - interval '1 minute' as at
                 from generate_series($3::int, $4::int) n) as numbered`,
      [tenantId, spaceIds, from, to - 1],
    ),
  );
}

/** Adds bans of users who do not vend. One in ten bans is for one space only, and one in ten is lifted. */
export async function addBans(deployment: Deployment, tenantId: string, spaceId: string, from: number, to: number) {
  await withClient(deployment.superuserUrl, (client) =>
    client.query(
      `insert into bans (tenant_id, id, user_id, space_id, created_by, lifted_at)
       select $1, 'ban_' || n, 'banned-' || n / 2, case when n % 10 = 0 then $2 end, '{"kind":"apiKey","id":"bench"}',
              case when n % 10 = 1 then now() end
         from generate_series($3::int, $4::int) n`,
      [tenantId, spaceId, from, to - 1],
    ),
  );
}

/** Does now what autovacuum does later. */
export async function vacuum(deployment: Deployment): Promise<void> {
  await withClient(deployment.superuserUrl, (client) => client.query('vacuum analyze'));
}
