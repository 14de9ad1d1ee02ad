import { generateKeyPairSync } from 'node:crypto';
import { DeletePublicKeyCommand, ImportPublicKeyCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import pg from 'pg';
import { limits } from '../../../src/limits.ts';
import { IdleKeySweeper } from '../../../src/signing-keys/idle-key-sweeper.ts';
import { KeyComparison } from '../../../src/signing-keys/key-comparison.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import { sized } from '../../support/full-size.ts';
import { inTime } from '../../support/own-time.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let spaceId: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '10000' });
});

afterAll(async () => {
  await stagedoor.stop();
});

// IVS has three places for keys in an account and Region: each test begins with all of them free.
beforeEach(async () => {
  tenant = await stagedoor.createTenant();
  spaceId = (await stagedoor.createSpace(tenant))['id'];
});

afterEach(async () => {
  stagedoor.ivs.clearFaults();
  for (const { id } of await list()) await remove(id);
});

async function create(of = tenant): Promise<Json> {
  return await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', of.key));
}

async function rotate(): Promise<Json> {
  return await stagedoor.expect(201, stagedoor.post('/v1/signing-keys/rotate', tenant.key));
}

function remove(id: string, as = tenant.key) {
  return stagedoor.request('DELETE', `/v1/signing-keys/${id}`, { as });
}

async function list(of = tenant): Promise<Json[]> {
  return (await stagedoor.expect(200, stagedoor.get('/v1/signing-keys', of.key)))['data'];
}

async function vend(userId = 'alice'): Promise<Json> {
  return await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${spaceId}/stage-tokens`, tenant.key, { userId }));
}

/** The key a token was signed with. */
function keyOf({ token }: Json): string {
  return JSON.parse(Buffer.from(String(token).split('.')[0] ?? '', 'base64url').toString()).kid;
}

function calls(operation: string): number {
  return stagedoor.ivs.journal().filter((entry) => entry.operation === operation).length;
}

/** Lets everything that was signed so far expire, as far as the ledger goes. */
async function expireGrants(): Promise<void> {
  await stagedoor.database.query(`update grants set expires_at = now() - interval '1 minute'`);
}

it('with a signing key, stage tokens are signed here and cost no call to IVS', async () => {
  const made = await create();
  expect(made).toMatchObject({
    state: 'active',
    lastTokenExpiresAt: null,
    arn: expect.stringMatching(/:public-key\//),
  });
  const before = calls('CreateParticipantToken');
  const stage = await vend();
  expect([stage['mint'], keyOf(stage)]).toEqual(['key-pair', made['arn']]);
  expect(stagedoor.ivs.join(stage['token'])).toMatchObject({ userId: 'alice', participantId: stage['participantId'] });
  expect(calls('CreateParticipantToken')).toBe(before);
});

it('a list tells when the last token of a key expires', async () => {
  const made = await create();
  expect(await list()).toEqual([made]);
  const { expiresAt } = await vend();
  const [listed] = await list();
  expect(Math.abs(Date.parse(listed?.['lastTokenExpiresAt']) - Date.parse(expiresAt))).toBeLessThan(1_000);
});

it('a second key is refused, and told what to do instead', async () => {
  const made = await create();
  const answer = await stagedoor.post('/v1/signing-keys', tenant.key);
  expectProblem(answer, 'conflict');
  expect(answer.body['detail']).toMatch(/rotate/i);
  expect(await list()).toEqual([made]);
});

it('of two keys made at once one is refused, and nothing of it stays at IVS', async () => {
  const answers = await Promise.all([1, 2].map(() => stagedoor.post('/v1/signing-keys', tenant.key)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  await until(() => keysAtIvs() === 1, 'the other is gone');
});

describe('rotating', () => {
  it('retires the old key: what it signed still opens the stage, and new tokens are of the new one', async () => {
    const old = await create();
    const before = await vend('before');
    const fresh = await rotate();
    const after = await vend('after');
    expect(keyOf(after)).toBe(fresh['arn']);
    const states = (await list()).map(({ id, state }) => [id, state]);
    expect(states).toEqual([
      [old['id'], 'retiring'],
      [fresh['id'], 'active'],
    ]);
    expect([before, after].map(({ token }) => stagedoor.ivs.join(token).userId)).toEqual(['before', 'after']);
  });

  it('makes a key where there was none', async () => {
    expect(await rotate()).toMatchObject({ state: 'active' });
  });

  it('over and over makes room at IVS by removing what no token needs any more', async () => {
    await create();
    for (let round = 0; round < 4; round++) await rotate();
    expect((await list()).filter(({ state }) => state === 'active')).toHaveLength(1);
    expect((await vend())['mint']).toBe('key-pair');
  });

  it('does not remove a key whose tokens may still be used', async () => {
    await create();
    const tokens = [await vend()];
    await rotate();
    tokens.push(await vend());
    expectProblem(await stagedoor.post('/v1/signing-keys/rotate', tenant.key), 'quota_exceeded');
    for (const { token } of tokens) stagedoor.ivs.join(token);
    expect((await vend())['mint']).toBe('key-pair');
  });

  it('asks IVS for nothing but the import while there is room, so the caller waits for a hanging IVS no longer than one call may take', async () => {
    await create();
    stagedoor.ivs.fault({ operation: '*', effect: { hang: true } });
    const rotating = () => stagedoor.post('/v1/signing-keys/rotate', tenant.key);
    expectProblem(await inTime(4_500, rotating), 'ivs_unavailable'); // a call has two and a half seconds
  });
});

describe('deleting', () => {
  it('voids what the key signed, notes it in the ledger, and vending goes on by IVS', async () => {
    const made = await create();
    const stage = await vend();
    expect((await remove(made['id'])).status).toBe(204);
    expect(() => stagedoor.ivs.join(stage['token'])).toThrow();
    const grants = (await stagedoor.get('/v1/grants?userId=alice', tenant.key)).body['data'];
    expect(grants).toEqual([expect.objectContaining({ id: stage['grantId'], state: 'revoked' })]);
    const next = await vend();
    expect(next['mint']).toBe('ivs');
    stagedoor.ivs.join(next['token']);
    expectProblem(await remove(made['id']), 'not_found');
  });

  it('is true in the ledger at once, and goes on in steps, also after an interruption', async () => {
    const made = await create();
    const { grantId } = await vend();
    await stagedoor.database.query(`
      insert into grants select (jsonb_populate_record(g, jsonb_build_object('id', 'grt_' || n))).*
        from grants as g, generate_series(1, 2500) as n where id = '${grantId}'`);
    const blocker = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
    await blocker.connect();
    try {
      // The step that comes to this grant waits, and is ended by the limit of a statement.
      await blocker.query(`begin; select from grants where id = '${grantId}' for update`);
      expect((await remove(made['id'])).status).toBe(204);
      expect(await list()).toEqual([]);
      const ledger = async (query: string) => (await stagedoor.get(`/v1/grants?${query}`, tenant.key)).body['data'];
      expect(await ledger('live=true')).toEqual([]);
      expect(await ledger('state=live')).toEqual([]);
      const revoked = await ledger('state=revoked&limit=100');
      expect(new Set(revoked.map(({ state }: Json) => state))).toEqual(new Set(['revoked']));
      expect(revoked).toHaveLength(100);
    } finally {
      await blocker.end();
    }
    const left = `select (select count(*) from grants where signing_key_id = '${made['id']}' and state <> 'revoked')
                       + (select count(*) from signing_keys where id = '${made['id']}') as rows`;
    await until(async () => {
      await stagedoor.app.get(IdleKeySweeper).run('0 seconds');
      return Number((await stagedoor.database.query(left))[0]?.['rows']) === 0;
    }, 'all grants are marked, and the key is forgotten');
  });

  it('of a key with very many live tokens marks them all, no more in one transaction than a step may', async () => {
    const made = await create();
    const { grantId } = await vend();
    const ofKey = `from grants where signing_key_id = '${made['id']}'`;
    const grants = sized(2_500, 100_000);
    await stagedoor.database.query(`
      insert into grants select (jsonb_populate_record(g, jsonb_build_object('id', 'grt_many_' || n,
          'expires_at', g.expires_at + n * interval '1 millisecond'))).*
        from grants as g, generate_series(2, ${grants}) as n where id = '${grantId}'`);
    expect((await remove(made['id'])).status).toBe(204);
    const live = await stagedoor.expect(200, stagedoor.get('/v1/grants?live=true', tenant.key));
    expect(live['data']).toEqual([]);
    await until(async () => {
      const keys = await stagedoor.database.query(`select from signing_keys where id = '${made['id']}'`);
      return keys.length === 0;
    }, 'all grants are marked, and the key is forgotten');
    const steps = await stagedoor.database.query(
      `select count(*)::int as grants, state ${ofKey} group by xmin::text, state`,
    );
    expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['revoked']));
    const sizes = steps.map((step) => Number(step['grants']));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(grants);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.grantsAtOnce);
  });

  it('leaves who came in with its tokens where they are, and within reach of a ban', async () => {
    const made = await create();
    const { token, participantId } = await vend('inside');
    const { stageArn } = stagedoor.ivs.join(token);
    const connected = () => stagedoor.ivs.participants(stageArn).find((one) => one.participantId === participantId);
    expect((await remove(made['id'])).status).toBe(204);
    expect(connected()).toMatchObject({ state: 'CONNECTED' });
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'inside' }));
    await until(() => connected()?.state === 'DISCONNECTED', 'the participant is out');
  });

  it('that IVS cuts short is finished by the sweeper too, and the key signs nothing meanwhile', async () => {
    const made = await create();
    await vend();
    const fault = stagedoor.ivs.fault({ operation: 'DeletePublicKey', effect: { error: 'InternalServerException' } });
    expectProblem(await remove(made['id']), 'ivs_unavailable');
    const throttled = stagedoor.ivs.fault({ operation: 'CreateParticipantToken', effect: { throttle: true } });
    const path = `/v1/spaces/${spaceId}/stage-tokens`;
    expectProblem(await stagedoor.post(path, tenant.key, { userId: 'bea' }), 'ivs_unavailable');
    stagedoor.ivs.clearFaults(throttled.id);
    stagedoor.ivs.clearFaults(fault.id);
    await stagedoor.app.get(IdleKeySweeper).run();
    expect(await list()).toEqual([]);
  });

  it('that IVS cuts short is finished by making it again', async () => {
    const made = await create();
    stagedoor.ivs.fault({ operation: 'DeletePublicKey', effect: { error: 'InternalServerException' } });
    expectProblem(await remove(made['id']), 'ivs_unavailable');
    expect((await vend())['mint']).toBe('ivs');
    stagedoor.ivs.clearFaults();
    expect((await remove(made['id'])).status).toBe(204);
    expect(await list()).toEqual([]);
  });

  it('is not for another tenant', async () => {
    const made = await create();
    const other = await stagedoor.createTenant();
    expectProblem(await remove(made['id'], other.key), 'not_found');
    expect(await list(other)).toEqual([]);
    expect((await vend())['mint']).toBe('key-pair');
  });
});

describe('killing', () => {
  const kill = (id: string, as = tenant.key, headers = {}) =>
    stagedoor.request('POST', `/v1/signing-keys/${id}/kill`, { as, headers, body: {} });

  it('voids what the key signed, and says how many unexpired tokens that were', async () => {
    const made = await create();
    const [expired, refused, revoked, live] = [await vend('a'), await vend('b'), await vend('c'), await vend('d')];
    const set = (what: string, { grantId }: Json) =>
      stagedoor.database.query(`update grants set ${what} where id = $1`, [grantId]);
    await set(`expires_at = now() - interval '1 second'`, expired);
    await set(`state = 'refused'`, refused);
    await stagedoor.expect(200, stagedoor.post(`/v1/grants/${revoked['grantId']}/revoke`, tenant.key));
    const headers = { 'idempotency-key': 'leaked' };
    const { body, status } = await kill(made['id'], tenant.key, headers);
    expect([status, body]).toEqual([200, { voided: 2 }]); // IVS would have let the revoked one in, too
    expect(() => stagedoor.ivs.join(live['token'])).toThrow();
    expect([await list(), keysAtIvs(), (await vend('e'))['mint']]).toEqual([[], 0, 'ivs']);
    const { data } = (await stagedoor.get('/v1/audit?action=signingKey.delete', tenant.key)).body;
    expect(data).toMatchObject([{ subject: made['id'], details: { voided: 2 }, caller: { kind: 'apiKey' } }]);
    expect((await kill(made['id'], tenant.key, headers)).body).toEqual({ voided: 2 });
    expectProblem(await kill(made['id']), 'not_found');
  });

  it('does not wait for a ledger that cannot be read: the key is gone all the same', async () => {
    const made = await create();
    await vend();
    const blocker = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
    await blocker.connect();
    try {
      await blocker.query('begin; lock table grants in access exclusive mode');
      const { body, status } = await kill(made['id']);
      expect([status, body]).toEqual([200, { voided: null }]);
      expect(keysAtIvs()).toBe(0);
    } finally {
      await blocker.end();
    }
    await until(async () => (await rows()).length === 0, 'the key is forgotten');
  });

  it('is finished by another call, or by the sweeper, if IVS fails', async () => {
    const made = await create();
    stagedoor.ivs.fault({ operation: 'DeletePublicKey', effect: { error: 'InternalServerException' } });
    expectProblem(await kill(made['id']), 'ivs_unavailable');
    expect((await vend())['mint']).toBe('ivs');
    stagedoor.ivs.clearFaults();
    expect((await kill(made['id'])).body).toEqual({ voided: 0 });
    expect(keysAtIvs()).toBe(0);
  });

  it('is not for another tenant', async () => {
    const made = await create();
    expectProblem(await kill(made['id'], (await stagedoor.createTenant()).key), 'not_found');
    expect((await vend())['mint']).toBe('key-pair');
  });
});

describe('compared with what IVS lists', () => {
  const compare = () => stagedoor.app.get(KeyComparison).run('0 seconds');
  const found = async (what: string) =>
    (await stagedoor.app.get(Metrics).differingKeys.get()).values.find(({ labels }) => labels.found === what)?.value ??
    0;
  /** Somebody with the right to do so works on the keys of the account, beside the service. */
  const someone = () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    return new IVSRealTimeClient({ endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials });
  };

  it('a key that somebody deleted there signs nothing any more, and the ledger and the events say so', async () => {
    const made = await create();
    const stage = await vend();
    await someone().send(new DeletePublicKeyCommand({ arn: made['arn'] }));
    const before = await found('missing');
    await compare();
    const next = await vend('bob');
    expect(next['mint']).toBe('ivs');
    stagedoor.ivs.join(next['token']);
    expect([await list(), await rows(), await found('missing')]).toEqual([[], [], before + 1]);
    const grants = (await stagedoor.get('/v1/grants?userId=alice', tenant.key)).body['data'];
    expect(grants).toEqual([expect.objectContaining({ id: stage['grantId'], state: 'revoked' })]);
    const { data } = (await stagedoor.get('/v1/audit?action=signingKey.delete', tenant.key)).body;
    const caller = { kind: 'system', id: 'key-comparison' };
    expect(data).toMatchObject([{ subject: made['id'], caller, details: { missingAtIvs: true } }]);
    await until(async () => {
      const events = (await stagedoor.get('/v1/events?type=signing_key.deleted', tenant.key)).body['data'];
      return events.some(({ data: { keyId } }: Json) => keyId === made['id']);
    }, 'the event is told');
    expect((await create())['state']).toBe('active');
  });

  it.each([
    ['ListPublicKeys', { error: 'AccessDeniedException' }],
    ['ListPublicKeys', { empty: true }],
    ['GetPublicKey', { error: 'AccessDeniedException' }],
  ])('no key is given up as long as IVS does not say that it is gone: %s %j', async (operation, effect) => {
    const made = await create();
    await someone().send(new DeletePublicKeyCommand({ arn: made['arn'] }));
    stagedoor.ivs.fault({ operation, effect });
    await compare();
    expect(await list()).toHaveLength(1);
    stagedoor.ivs.clearFaults();
    await compare();
    expect(await list()).toEqual([]);
  });

  it('a key of a tenant that nobody here knows is told of and left alone, and one of another deployment is not ours to tell of', async () => {
    const made = await create();
    const before = await found('unknown');
    const importKey = (tenantId: string, keyId: string) =>
      someone().send(
        new ImportPublicKeyCommand({
          publicKeyMaterial: generateKeyPairSync('ec', { namedCurve: 'P-384' })
            .publicKey.export({ type: 'spki', format: 'pem' })
            .toString(),
          tags: { 'stagedoor:tenant': tenantId, 'stagedoor:signing-key': keyId },
        }),
      );
    const ours = await importKey(tenant.id, 'sgk_01h455vb4pex5vsknk084sn02q');
    const foreign = await importKey('ten_01h455vb4pex5vsknk084sn02q', 'sgk_01h455vb4pex5vsknk084sn03q');
    await compare();
    expect([await found('unknown'), keysAtIvs(), (await list()).map(({ id }) => id)]).toEqual([
      before + 1,
      3,
      [made['id']],
    ]);
    for (const { publicKey: key } of [ours, foreign])
      await someone().send(new DeletePublicKeyCommand({ arn: key?.arn }));
  });
});

it('the fourth key of an AWS account is refused as a quota, and nothing of it is left', async () => {
  const tenants: TestTenant[] = [];
  for (let n = 0; n < 3; n++) tenants.push(await stagedoor.createTenant());
  const made: string[] = [];
  for (const one of tenants) made.push((await create(one))['id'] as string);
  const answer = await stagedoor.post('/v1/signing-keys', tenant.key);
  expectProblem(answer, 'quota_exceeded');
  expect(answer.headers.get('retry-after')).toBeTruthy();
  expect(await list()).toEqual([]);
  await until(async () => (await rows()).length === 0, 'the record of the fourth is gone');
  expect((await vend())['mint']).toBe('ivs');
  await Promise.all(tenants.map((one, n) => remove(made[n] ?? '', one.key)));
  await create();
});

describe('the sweeper', () => {
  const sweep = () => stagedoor.app.get(IdleKeySweeper).run('0 seconds');

  it('removes a retired key once its last token has expired, and not before', async () => {
    const old = await create();
    await vend();
    const fresh = await rotate();
    await sweep();
    expect((await list()).map(({ id }) => id)).toEqual([old['id'], fresh['id']]);
    await expireGrants();
    await sweep();
    expect((await list()).map(({ id }) => id)).toEqual([fresh['id']]);
    expect(keysAtIvs()).toBe(1);
  });

  it('removes what an import left behind whose answer never came', async () => {
    stagedoor.ivs.fault({ operation: 'ImportPublicKey', count: 1, effect: { reset: 'after' } });
    expectProblem(await stagedoor.post('/v1/signing-keys', tenant.key), 'ivs_unavailable');
    expect([keysAtIvs(), (await rows()).length]).toEqual([1, 1]);
    await sweep();
    expect([keysAtIvs(), (await rows()).length]).toEqual([0, 0]);
  });
});

it('the private half is kept encrypted, and no answer has it', async () => {
  const made = await create();
  const [row] = await rows();
  const sealed = row?.['private_key'] as Buffer;
  // In clear it would be a sequence in DER that names the curve.
  expect(sealed.includes(Buffer.from('2b81040022', 'hex'))).toBe(false);
  expect(Object.keys(made).sort()).toEqual(['arn', 'createdAt', 'id', 'lastTokenExpiresAt', 'state']);
});

async function rows(): Promise<Json[]> {
  return await stagedoor.database.query('select * from signing_keys where tenant_id = $1', [tenant.id]);
}

/** How many keys IVS has. */
function keysAtIvs(): number {
  return stagedoor.ivs.overview().counts.find(({ what }) => what === 'publicKeys')?.used ?? 0;
}
