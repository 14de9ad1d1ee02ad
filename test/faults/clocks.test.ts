/** Replicas and a database whose clocks are wrong. */
import { DatabaseClock } from '../../src/database/database-clock.ts';
import { ClockReadings } from '../../src/database/clock-readings.ts';
import { onStage } from '../support/chat.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { createDatabase } from '../support/database.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

describe('a replica whose clock is wrong', () => {
  let cluster: Cluster;
  let right: Service;
  let tenant: TestTenant;
  let space: Json;

  beforeAll(async () => {
    cluster = await Cluster.start(1);
    right = cluster.at(0);
    tenant = await right.createTenant();
    space = await right.createSpace(tenant);
  });

  afterAll(async () => {
    await cluster.stop();
  });

  it.each([
    [-600, /600 s behind/],
    [600, /600 s ahead of/],
  ])('by %d s is not ready, says why, and judges JWTs by the clock of the database', async (shift, reason) => {
    const wrong = await cluster.add({ CLOCK_SHIFT_SECONDS: String(shift) });
    const ready = await wrong.get('/health/ready');
    expect([ready.status, ready.body['status']]).toEqual([503, 'error']);
    expect(ready.body['details'].clock.message).toMatch(reason);
    const metrics = (await wrong.get('/metrics')).text;
    const [, skew] = /^stagedoor_clock_skew_seconds (\S+)$/m.exec(metrics) ?? [];
    expect(Math.abs(Number(skew) - shift)).toBeLessThan(30);

    const now = Math.floor(Date.now() / 1_000);
    const join = async (userId: string, times: { iat: number; exp: number }) =>
      wrong.post(`/v1/spaces/${space['id']}/join`, await tenant.issuer.token(userId, {}, times), {});
    expect((await join('late', { iat: now - 400, exp: now - 1 })).status).toBe(401);
    expect((await join('good', { iat: now, exp: now + 300 })).status).toBe(201);
    expect((await join('early', { iat: now + 300, exp: now + 600 })).status).toBe(401);
    await wrong.kill();
  });

  it('keeps a signing key whose tokens are live, when it needs room for another', async () => {
    const ahead = await cluster.add({ CLOCK_SHIFT_SECONDS: String(14 * 86_400) });
    const [old] = [await right.expect(201, right.post('/v1/signing-keys', tenant.key, {}))];
    await right.expect(201, right.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId: 'ann' }));
    await right.expect(201, right.post('/v1/signing-keys/rotate', tenant.key, {}));
    cluster.ivs.fault({ operation: 'ImportPublicKey', effect: { error: 'ServiceQuotaExceededException' }, count: 1 });
    const rotated = await ahead.post('/v1/signing-keys/rotate', tenant.key, {});
    expect(rotated.status).not.toBe(201);
    const { data } = (await right.get('/v1/signing-keys', tenant.key)).body;
    expect(data.map((key: Json) => key['id'])).toContain(old?.['id']);
    expect(cluster.ivs.journal({ operation: 'DeletePublicKey' })).toEqual([]);
    await ahead.kill();
  });
});

it('what was planned too late while no replica ran is mended before the first request', async () => {
  const database = await createDatabase();
  await database.query(
    `insert into pacing (account, operation, allowance, at) values ('own', 'SendEvent', 0, now() + interval '1 hour')`,
  );
  const stagedoor = await Stagedoor.start({}, {}, database);
  expect(await database.query('select from pacing where at > clock_timestamp()')).toHaveLength(0);
  await stagedoor.stop();
});

it('disconnects go on when the clock of the database is set back by an hour', async () => {
  const stagedoor = await Stagedoor.start();
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  const pass = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'ann' }),
  );
  const { participantId } = stagedoor.ivs.join(pass['stage'].token);
  stagedoor.ivs.fault({ operation: 'DisconnectParticipant', effect: { error: 'InternalServerException' }, count: 1 });
  await stagedoor.post('/v1/bans', tenant.key, { userId: 'ann' });

  // The clock has been an hour ahead until now: so were the times that were written, and the readings of the clock.
  await stagedoor.database.query(
    `update deliveries set next_at = next_at + interval '1 hour', leased_until = clock_timestamp() + interval '1 hour'
      where state = 'pending';`,
  );
  await stagedoor.database.query(
    `update watches set next_at = next_at + interval '1 hour', leased_until = clock_timestamp() + interval '1 hour'`,
  );
  await stagedoor.database.query(`update pacing set at = at + interval '1 hour'`);
  const clock = stagedoor.app.get(DatabaseClock, { strict: false });
  const at = performance.now();
  clock.set([{ askedAt: at, answeredAt: at, databaseMs: Date.now() + 3_600_000 }]);
  await stagedoor.app.get(ClockReadings, { strict: false }).run();

  await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the banned participant is out');
  await until(async () => {
    const late = await stagedoor.database.query(
      `select from watches where next_at > clock_timestamp() + interval '1 minute'`,
    );
    return late.length === 0;
  }, 'the stage is looked at again');
  await stagedoor.stop();
});
