/** Changes after which nobody gets tokens: no token leaves after their answer, however far its vend has come. */
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

interface World {
  tenant: TestTenant;
  space: Json;
  /** The credential that asks for tokens, and its id. */
  as: string;
  id: string;
  body: Json;
}

/** Each change, and who asks for tokens meanwhile. */
const changes: [string, 'user' | 'apiKey', (world: World) => Promise<Answer>][] = [
  [
    'suspending the tenant',
    'user',
    ({ tenant }) => change('PATCH', `/v1/tenants/${tenant.id}`, Stagedoor.operatorToken, { status: 'suspended' }),
  ],
  [
    'closing the space',
    'user',
    ({ tenant, space }) => change('PATCH', `/v1/spaces/${space['id']}`, tenant.key, { status: 'closed' }),
  ],
  ['deleting the space', 'user', ({ tenant, space }) => change('DELETE', `/v1/spaces/${space['id']}`, tenant.key)],
  ['deleting the issuer', 'user', ({ tenant, id }) => change('DELETE', `/v1/issuers/${id}`, tenant.key)],
  ['revoking the API key', 'apiKey', ({ tenant, id }) => change('DELETE', `/v1/api-keys/${id}`, tenant.key)],
];

const change = (method: string, path: string, as: string, body?: Json): Promise<Answer> =>
  stagedoor.request(method, path, { as, ...(body && { body }) });

async function makeWorld(kind: 'user' | 'apiKey'): Promise<World> {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  if (kind === 'apiKey') {
    const made = await stagedoor.expect(
      201,
      stagedoor.post('/v1/api-keys', tenant.key, { name: 'door', scopes: ['tokens:vend'] }),
    );
    return { tenant, space, as: made['key'], id: made['id'], body: { userId: 'ann' } };
  }
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/issuers', tenant.key));
  return { tenant, space, as: await tenant.issuer.token('ann'), id: data[0].id, body: {} };
}

/** Joins until the vend is at IVS. A machine that is too slow gives an answer before that. */
async function joinUntilAtIvs(
  { space, as, body }: World,
  isAtIvs: () => boolean,
): Promise<{ answer: Promise<Answer>; isAnswered: boolean }> {
  const join = () => {
    const answer = stagedoor.once.post(`/v1/spaces/${space['id']}/join`, as, body);
    const joining = { answer, isAnswered: false };
    void answer.finally(() => (joining.isAnswered = true));
    return joining;
  };
  let joining = join();
  await until(async () => {
    if (isAtIvs()) return true;
    if (!joining.isAnswered) return false;
    const { status, text } = await joining.answer;
    if (status !== 503) throw new Error(`the vend did not come to IVS: ${status} ${text}`);
    joining = join();
    return false;
  }, 'the vend is at IVS');
  return joining;
}

test.each(changes)('%s stops a token that IVS is making', async (_what, kind, make) => {
  const world = await makeWorld(kind);
  const fault = stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { delayMs: 60_000 }, count: 1 });
  const joining = await joinUntilAtIvs(world, () => fault.struck === 1);
  expect((await make(world)).status).toBeLessThan(300);
  stagedoor.ivs.clearFaults(fault.id); // IVS makes the token now
  const { status, text } = await joining.answer;
  expect({ status, hasToken: text.includes('"token"') }).toEqual({ status: expect.any(Number), hasToken: false });
  expect(status).toBeGreaterThanOrEqual(400);
});

test.each(changes)('the answer to %s waits until no token of before can leave', async (_what, kind, make) => {
  const world = await makeWorld(kind);
  const began = performance.now();
  expect((await make(world)).status).toBeLessThan(300);
  // The clock of a timer may be a millisecond early.
  expect(performance.now() - began).toBeGreaterThan(990);
});
