/** Starts the hand-written peer beside a deployment: a process of its own, and a database of its own in the same Postgres. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { freePort } from '../../dev/postgres.ts';
import { type Deployment, root, type Tenant, withClient } from './deployment.ts';
import type { Issuer } from './issuers.ts';
import { opensslVariables } from './openssl.ts';
import { type Program, startProgram, untilOk } from './processes.ts';

export interface Peer {
  url: string;
  program: Program;
}

/** The peer serves the spaces of this tenant, to the users of this issuer. */
export async function startPeer(deployment: Deployment, tenant: Tenant, issuer: Issuer): Promise<Peer> {
  await withClient(deployment.superuserUrl, (client) => client.query('create database peer'));
  const databaseUrl = new URL(deployment.superuserUrl);
  databaseUrl.pathname = '/peer';
  await withClient(databaseUrl.href, async (client) => {
    await client.query(readFileSync(path.join(root, 'bench/peer/schema.sql'), 'utf8'));
    await client.query('insert into tenants (id) values ($1)', [tenant.id]);
    await client.query(`insert into issuers (id, tenant_id, issuer, audience, jwks) values ('iss_1', $1, $2, $3, $4)`, [
      tenant.id,
      issuer.registration['issuer'],
      issuer.registration['audience'],
      issuer.registration['jwks'],
    ]);
    await client.query(
      `insert into roles (tenant_id, name, capabilities, ttl_seconds) values ($1, 'speaker', '{PUBLISH,SUBSCRIBE}', 600)`,
      [tenant.id],
    );
    await client.query(
      `insert into spaces (id, tenant_id, name, default_role, stage_arn, endpoints)
       select id, $1, 'Space', 'speaker', 'arn:aws:ivs:us-east-1:111122223333:stage/' || id,
              '{"events":"wss://global.events.live-video.net","whip":"https://global.whip.live-video.net"}'
         from unnest($2::text[]) as id`,
      [tenant.id, tenant.spaceIds],
    );
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = path.join(os.tmpdir(), 'stagedoor-bench-peer.log');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const { PATH } = process.env;
  const env = {
    PATH,
    ...opensslVariables(),
    PORT: String(port),
    DATABASE_URL: databaseUrl.href,
    KEY_ARN: 'arn:aws:ivs:us-east-1:111122223333:public-key/peer',
    PRIVATE_KEY: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
  const program = startProgram([path.join(root, 'bench/peer/server.ts')], env, log);
  await untilOk(`${url}/health/ready`, log);
  return { url, program };
}
