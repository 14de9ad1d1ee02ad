/** How fast one caller may act. */
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ ACTS_PER_MODERATOR_PER_MINUTE: '3', ACTS_PER_API_KEY_PER_MINUTE: '6' });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor.stop();
});

const ban = (as: string, userId: string) => stagedoor.post('/v1/bans', as, { userId, spaceId: space['id'] });

test('one moderator acts only so often in a minute, also at once; they undo as often as they like, and another one is not held up', async () => {
  const as = await tenant.issuer.token('hasty', { role: 'moderator' });
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => ban(as, `victim-${n}`)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expectProblem(answer, 'rate_limited');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(answer.headers.get('ratelimit-policy')).toBe('"acts";q=3;w=60');
    expect(answer.headers.get('ratelimit')).toMatch(/^"acts";r=0;t=\d+$/);
  }
  const here = `/v1/spaces/${space['id']}`;
  for (const [path, body] of [
    [`${here}/users/victim/disconnect`, {}],
    [`${here}/users/victim/role`, { role: 'viewer' }],
    [`${here}/events`, { name: 'applause' }],
    [`${here}/freeze`, {}],
  ] as const) {
    expectProblem(await stagedoor.post(path, as, body), 'rate_limited');
  }
  expect((await stagedoor.get(`/v1/bans?spaceId=${space['id']}`, as)).status).toBe(200);
  const { ban: made } = answers.find(({ status }) => status === 201)?.body ?? {};
  expect((await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as, body: {} })).status).toBe(200);
  const calm = await tenant.issuer.token('calm', { role: 'moderator' });
  expect((await stagedoor.post(`${here}/freeze`, calm, {})).status).toBeLessThan(300);
  expect((await stagedoor.post(`${here}/unfreeze`, as, {})).status).toBe(200);
  expectProblem(await ban(as, 'victim'), 'rate_limited');
  expect((await ban(calm, 'troll')).status).toBe(201);
});

test('an API key acts more often, and has its limit too', async () => {
  // Each answer says how many acts are left.
  const lefts: (string | undefined)[] = [];
  const note = ({ status, headers }: Answer) => {
    expect(status).toBeLessThan(300);
    expect(headers.get('ratelimit-policy')).toBe('"acts";q=6;w=60');
    lefts.push(/^"acts";r=(\d+);t=([1-9]|[1-5]\d|60)$/.exec(headers.get('ratelimit') ?? '')?.[1]);
  };
  const here = `/v1/spaces/${space['id']}`;
  for (let n = 0; n < 3; n++) note(await ban(tenant.key, `troll-${n}`));
  note(await stagedoor.post(`${here}/freeze`, tenant.key, {}));
  note(await stagedoor.post(`${here}/users/victim/disconnect`, tenant.key, {}));
  // What fails records no act, nor does a change of role without tokens to act on.
  const failed = await stagedoor.post(`${here}/freeze`, tenant.key, {});
  expectProblem(failed, 'conflict');
  note(await stagedoor.post(`${here}/users/victim/role`, tenant.key, { role: 'viewer' }));
  note(await ban(tenant.key, 'last'));
  expect(lefts).toEqual(['5', '4', '3', '2', '1', '1', '0']);
  expectProblem(await ban(tenant.key, 'troll'), 'rate_limited');
});
