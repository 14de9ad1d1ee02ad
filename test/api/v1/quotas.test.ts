/** How many things of each kind a tenant may have. */
import { expectProblem } from '../../support/problem.ts';
import { type Answer, HttpClient, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

const operator = HttpClient.operatorToken;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

beforeEach(async () => {
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { room: false });
});

const send = (method: string, path: string, body: Json, as = tenant.key) =>
  stagedoor.request(method, path, { as, body });

function setQuotas(quotas: Json): Promise<Json> {
  return stagedoor.expect(200, send('PATCH', `/v1/tenants/${tenant.id}`, { quotas }, operator));
}

const role = { stage: { capabilities: ['SUBSCRIBE'], ttlSeconds: 60 }, chat: null };

/** Makes somebody a viewer of the console, and the identity provider that they sign in with if there is none. */
async function putPerson(name: string): Promise<Answer> {
  await send('POST', '/v1/console-issuers', {
    name: 'Staff',
    issuer: 'http://127.0.0.1:9/',
    clientId: 'people',
  });
  const { data } = (await stagedoor.get('/v1/console-issuers', tenant.key)).body;
  return await send('PUT', `/v1/console-users/${name}`, {
    issuerId: (data as Json[])[0]?.['id'],
    role: 'viewer',
  });
}

/** Of each kind: how many the tenant has, how to make one more, and the status of an answer that has made it. */
const kinds: [string, number, number, (n: number) => Promise<Answer>][] = [
  ['spaces', 1, 201, () => send('POST', '/v1/spaces', { name: 'New', stage: false })],
  ['apiKeys', 1, 201, () => send('POST', '/v1/api-keys', { name: 'new', scopes: ['spaces:read'] })],
  ['signingKeys', 0, 201, () => send('POST', '/v1/signing-keys/rotate', {})],
  [
    'issuers',
    1,
    201,
    (n) => send('POST', '/v1/issuers', { ...tenant.issuer.registration(), audience: `${tenant.slug}-${n}` }),
  ],
  ['members', 0, 200, (n) => send('PUT', `/v1/spaces/${space['id']}/members/user${n}`, { role: 'viewer' })],
  ['roles', 4, 200, (n) => send('PUT', `/v1/roles/role${n}`, role)],
  ['notes', 0, 201, (n) => send('POST', `/v1/users/user${n}/notes`, { text: 'calm' })],
  ['bans', 0, 201, (n) => send('POST', '/v1/bans', { userId: `user${n}` })],
  [
    'consoleIssuers',
    0,
    201,
    (n) =>
      send('POST', '/v1/console-issuers', {
        name: 'Staff',
        issuer: 'http://127.0.0.1:9/',
        clientId: `client-${n}`,
      }),
  ],
  ['consoleUsers', 0, 200, (n) => putPerson(`person${n}`)],
  ['webhooks', 0, 201, (n) => send('POST', '/v1/webhooks', { url: `http://127.0.0.1:9/${n}` })],
];

describe.each(kinds)('%s', (kind, present, status, make) => {
  it('are made up to the quota that the operator has set, and two at once do not pass it', async () => {
    await setQuotas({ [kind]: present + 1 });
    const answers = await Promise.all([make(1), make(2), make(3)]);
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([status, 429, 429]);
    for (const refused of answers.filter((answer) => answer.status === 429)) {
      expectProblem(refused, 'quota_exceeded');
      expect(refused.body['detail']).toContain(`may have ${present + 1} `);
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    await setQuotas({ [kind]: null });
    expect((await make(4)).status).toBe(status);
    if (kind !== 'signingKeys') return;
    const { data } = (await stagedoor.get('/v1/signing-keys', tenant.key)).body;
    for (const { id } of data) await stagedoor.request('DELETE', `/v1/signing-keys/${id}`, { as: tenant.key });
  });
});

it('what is there already can be replaced at the quota', async () => {
  await setQuotas({ roles: 4, members: 0 });
  expect((await send('PUT', '/v1/roles/viewer', role)).status).toBe(200);
  await setQuotas({ members: 1 });
  const put = (name: string) => send('PUT', `/v1/spaces/${space['id']}/members/ann`, { role: name });
  expect([(await put('viewer')).status, (await put('host')).status]).toEqual([200, 200]);
});

it('what is gone does not count: deleted spaces, revoked keys, lifted and expired bans', async () => {
  await setQuotas({ spaces: 1, apiKeys: 2, bans: 1 });
  await stagedoor.expect(204, send('DELETE', `/v1/spaces/${space['id']}`, {}));
  await stagedoor.expect(201, send('POST', '/v1/spaces', { name: 'New', stage: false }));
  for (let n = 0; n < 2; n++) {
    const { id } = await stagedoor.expect(201, send('POST', '/v1/api-keys', { name: 'x', scopes: ['spaces:read'] }));
    await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/api-keys/${id}`, { as: tenant.key }));
  }
  const { ban } = await stagedoor.expect(201, send('POST', '/v1/bans', { userId: 'ann' }));
  await stagedoor.expect(200, send('DELETE', `/v1/bans/${ban.id}`, {}));
  await stagedoor.expect(201, send('POST', '/v1/bans', { userId: 'bob' }));
  await stagedoor.database.query(`update bans set expires_at = now() - interval '1 minute'`);
  await stagedoor.expect(201, send('POST', '/v1/bans', { userId: 'cleo' }));
});

it('the tenant’s answer shows all quotas, and a change leaves the others', async () => {
  const { quotas } = (await stagedoor.get(`/v1/tenants/${tenant.id}`, operator)).body;
  expect(Object.keys(quotas).toSorted()).toEqual(kinds.map(([kind]) => kind).toSorted());
  await setQuotas({ spaces: 7 });
  expect((await setQuotas({ roles: 9 }))['quotas']).toEqual({ ...quotas, spaces: 7, roles: 9 });
  expect((await setQuotas({ spaces: null }))['quotas']).toEqual({ ...quotas, roles: 9 });
  await Promise.all(kinds.map(([kind]) => setQuotas({ [kind]: 11 })));
  const changed = (await stagedoor.get(`/v1/tenants/${tenant.id}`, operator)).body['quotas'];
  expect(new Set(Object.values(changed))).toEqual(new Set([11]));
  for (const wrong of [{ spaces: -1 }, { spaces: 1.5 }, { spaces: 'many' }, { cakes: 1 }]) {
    expectProblem(await send('PATCH', `/v1/tenants/${tenant.id}`, { quotas: wrong }, operator), 'invalid_request');
  }
});

describe('signing keys of tenants in one AWS account', () => {
  const keysOf = async (path: string, as: string): Promise<Json[]> => (await stagedoor.get(path, as)).body['data'];

  /** A key that a token needs, so that it is not removed to make room. */
  async function makeNeededKey(): Promise<Json> {
    const made = await stagedoor.expect(201, send('POST', '/v1/signing-keys/rotate', {}));
    const vend = send('POST', `/v1/spaces/${space['id']}/stage-tokens`, { userId: 'ann' });
    expect((await stagedoor.expect(201, vend))['mint']).toBe('key-pair');
    return made;
  }

  it('one tenant does not keep all others from a first one, and the operator takes one back', async () => {
    const other = await stagedoor.createTenant();
    const [old] = [await makeNeededKey(), await makeNeededKey()];
    expectProblem(await send('POST', '/v1/signing-keys/rotate', {}), 'quota_exceeded');
    await stagedoor.expect(201, send('POST', '/v1/signing-keys', {}, other.key));

    const path = `/v1/tenants/${tenant.id}/signing-keys`;
    expect(await keysOf(path, operator)).toEqual(await keysOf('/v1/signing-keys', tenant.key));
    const takeBack = () => stagedoor.request('DELETE', `${path}/${old?.['id']}`, { as: operator });
    await stagedoor.expect(204, takeBack());
    expectProblem(await takeBack(), 'not_found');
    expect((await keysOf('/v1/signing-keys', tenant.key)).map(({ state }) => state)).toEqual(['active']);
    const { data } = (await stagedoor.get('/v1/audit?action=signingKey.delete', tenant.key)).body;
    expect(data).toMatchObject([{ subject: old?.['id'], caller: { kind: 'operator' } }]);
    await until(async () => (await send('POST', '/v1/signing-keys/rotate', {})).status === 201, 'there is room again');
  });

  it('are not the operator’s to see where there is no such tenant', async () => {
    const path = '/v1/tenants/ten_01h455vb4pex5vsknk084sn02q/signing-keys';
    expectProblem(await stagedoor.get(path, operator), 'not_found');
    const key = `${path}/sgk_01h455vb4pex5vsknk084sn02q`;
    expectProblem(await stagedoor.request('DELETE', key, { as: operator }), 'not_found');
    expectProblem(await stagedoor.get(`/v1/tenants/${tenant.id}/signing-keys`, tenant.key), 'forbidden');
  });
});
