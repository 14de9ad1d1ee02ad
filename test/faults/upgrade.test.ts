/** An upgrade as it happens: the last release serves, this one migrates under it, and both serve at once on one database. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { migrate } from '../../src/database/migrate.ts';
import { onStage } from '../support/chat.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { fullSize } from '../support/full-size.ts';
import { expectInvariants } from '../support/invariants.ts';
import { lastRelease, lastReleaseFolder, whyNoLastRelease } from '../support/last-release.ts';
import { type Answer, HttpClient, type Json } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { VendsAndBans } from '../support/vends-and-bans.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const root = path.resolve(import.meta.dirname, '../..');
const why = whyNoLastRelease();
if (why) process.stderr.write(`The last release does not run beside this release: ${why}\n`);
const { operatorToken } = HttpClient;

let cluster: Cluster;
let old: Service;
let key: string;
let space: Json;

beforeAll(async () => {
  if (why) return;
  const folder = lastReleaseFolder();
  const database = await createEmptyDatabase();
  const args = ['--import', path.join(root, 'dev/run-typescript.mjs'), path.join(folder, 'src/database/migrate.ts')];
  execFileSync(process.execPath, args, {
    env: { PATH: process.env['PATH'], DATABASE_OWNER_URL: database.ownerUrl },
    stdio: 'pipe',
  });
  cluster = await Cluster.start(0, {}, undefined, database);
  old = await cluster.add({ LOG_LEVEL: 'warn' }, folder);
  const tenant = await old.expect(201, old.post('/v1/tenants', operatorToken, { slug: 'acme', name: 'Acme' }));
  const scopes = { name: 'test', scopes: ['*'] };
  ({ key } = (await old.expect(201, old.post(`/v1/tenants/${tenant['id']}/api-keys`, operatorToken, scopes))) as {
    key: string;
  });
  space = await old.expect(201, old.post('/v1/spaces', key, { name: 'Main', defaultRole: 'speaker' }));
}, 300_000);

afterAll(async () => {
  if (!why) await cluster.stop();
});

/** Gets a token at one replica, is banned at the other, and comes in with the token all the same. Returns when they are out. */
async function comesInBanned(userId: string, vending: Service, banning: Service): Promise<void> {
  const tokens = vending.post(`/v1/spaces/${space['id']}/stage-tokens`, key, { userId });
  const { token, participantId } = await vending.expect(201, tokens);
  await banning.expect(201, banning.post('/v1/bans', key, { userId }));
  cluster.ivs.join(token);
  await until(() => !onStage(cluster, space['stage'].arn).includes(participantId), `${userId} is out`);
}

/** A busy machine makes Postgres and the emulator too slow for the time limits. That is no fault of a release. */
const isFault = ({ body }: Answer) => fullSize || !['unavailable', 'ivs_unavailable'].includes(body['code']);

/** The warnings and errors that a replica has logged. */
function complaints({ logged }: Service): string[] {
  const lines = logged.split('\n').filter((line) => line !== '');
  return fullSize ? lines : lines.filter((line) => !/too slow|timeout|ivs_unavailable/.test(line));
}

(why ? test.skip : test)(
  'the last release and this one serve side by side on a database that this one migrated under load',
  async () => {
    const gone = await old.expect(
      201,
      old.post(`/v1/spaces/${space['id']}/stage-tokens`, key, { userId: 'long gone' }),
    );
    await using work = new VendsAndBans(cluster, key, space['id']);
    await work.makesBans();
    await migrate(cluster.database.ownerUrl);
    await work.makesBans();
    await cluster.database.query(
      `update grants set issued_at = now() - interval '40 days', expires_at = now() - interval '39 days',
                         session_expires_at = now() - interval '39 days' where id = $1`,
      [gone['grantId']],
    );
    const fresh = await cluster.add({ LOG_LEVEL: 'warn', GRANT_RETENTION_DAYS: '15' });
    await using receiver = await WebhookReceiver.start();
    await fresh.expect(201, fresh.post('/v1/webhooks', key, { url: receiver.url, types: ['ban.created'] }));

    // Users get tokens at one and are banned at the other, in both orders, while the looks of either find who came in.
    await Promise.all([work.makesBans(), comesInBanned('old-new', old, fresh), comesInBanned('new-old', fresh, old)]);
    const told = () => receiver.received.map(({ event }) => event['userId'] as string);
    await until(() => ['old-new', 'new-old'].every((userId) => told().includes(userId)), 'webhooks tell of both bans');
    expect(new Set(receiver.ids).size).toBe(receiver.ids.length);
    const kept = `select from grants where id = $1`;
    await until(async () => (await cluster.database.query(kept, [gone['grantId']])).length === 0, 'an old grant ends');
    await work.endsWithNothingLost();
    expect(work.refused.filter(isFault)).toEqual([]);
    expect([old, fresh].flatMap(complaints)).toEqual([]);

    // The upgrade is over.
    old.child.kill('SIGTERM');
    await old.ended;
    expect(old.child.exitCode).toBe(0);
    await using after = new VendsAndBans(cluster, key, space['id']);
    await after.makesBans();
    await after.endsWithNothingLost();
    expect(after.refused.filter(isFault)).toEqual([]);
    await expectInvariants(cluster);
  },
);

test('the last release of the tests is that of the changelog', () => {
  const changelog = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8');
  // Above it stands what is unreleased, or the release that is being made.
  const [, last] = [...changelog.matchAll(/^## (\S+)/gm)].map(([, heading]) => heading);
  expect(last).toBe(lastRelease.release);
});
