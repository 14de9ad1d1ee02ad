/** Reading actions: answers about acts against a crowd are as small as others, and lists name everything once. */
import { newId } from '../../../src/ids.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let beside: Json;
/** An act against a crowd: 2,400 deliveries are settled, 60 are stuck, and the newest 40 are pending. */
let crowded: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  [space, beside] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
  crowded = await insertAction();
  await insertDeliveries(crowded, 'done', 2_000);
  await insertDeliveries(crowded, 'expired', 300);
  await insertDeliveries(crowded, 'stuck', 60);
  await insertDeliveries(crowded, 'not_connected', 100);
  await insertDeliveries(crowded, 'pending', 40);
});

afterAll(async () => {
  await stagedoor.stop();
});

function query(sql: string, values: unknown[]): Promise<unknown> {
  return stagedoor.database.query(sql, values);
}

async function insertAction(spaceId: string | null = space['id']): Promise<string> {
  const id = newId('act');
  await query(
    `insert into actions (tenant_id, id, kind, space_id, requested_by, requested_at)
     values ($1, $2, 'space.freeze', $3, '{"kind":"apiKey","id":"key_1"}', now())`,
    [tenant.id, id, spaceId],
  );
  return id;
}

/** Deliveries that nobody makes while the test runs. */
async function insertDeliveries(action: string, state: string, count = 1): Promise<void> {
  await query(
    `insert into deliveries (tenant_id, action_id, space_id, account, operation, arn, target, state, next_at, needed_until)
     select $1, $2, $3, 'own us-east-1', 'DeleteMessage', $4, $5 || n, $5, now() + interval '10 minutes', now() + interval '1 hour'
       from generate_series(1, $6::int) n`,
    [tenant.id, action, space['id'], space['room'].arn, state, count],
  );
}

function read(path: string, as = tenant.key): Promise<Json> {
  return stagedoor.expect(200, stagedoor.get(path, as));
}

/** Everything that the pages of a list name. */
async function allOf(path: string): Promise<Json[]> {
  const all: Json[] = [];
  let cursor: string | null = '';
  do {
    const page: Json = await read(`${path}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    all.push(...page['data']);
    cursor = page['nextCursor'];
  } while (cursor !== null);
  return all;
}

async function idsOf(path: string): Promise<string[]> {
  return (await allOf(path)).map(({ id }) => id);
}

function numberOf(targets: Json[], ...states: string[]): number {
  return targets.filter(({ state }) => states.includes(state)).length;
}

describe('an action with 2,500 deliveries', () => {
  test('shows a hundred of them, with all open ones, and counts them', async () => {
    const action = await read(`/v1/actions/${crowded}`);
    expect(action['targets']).toHaveLength(100);
    expect(numberOf(action['targets'], 'pending', 'stuck')).toBe(100);
    expect(action['targetCounts']).toEqual({ pending: 40, done: 1_000, not_connected: 100, expired: 300, stuck: 60 });
    expect(action['state']).toBe('pending');
  });

  test('shows ten of them in a list', async () => {
    const { data } = await read(`/v1/actions?spaceId=${space['id']}`);
    const action = (data as Json[]).find(({ id }) => id === crowded);
    expect(action?.['targets']).toHaveLength(10);
    expect(action?.['targetCounts']).toEqual({ pending: 40, done: 100, not_connected: 100, expired: 100, stuck: 60 });
  });

  test('lists each of them once', async () => {
    const all = await allOf(`/v1/actions/${crowded}/targets?limit=100`);
    expect(all).toHaveLength(2_500);
    expect(new Set(all.map(({ target }) => target)).size).toBe(2_500);
    expect(all[0]).toEqual({ operation: 'DeleteMessage', target: 'done1', state: 'done', attempts: 0 });
  });

  test.each([
    ['pending', 40],
    ['stuck', 60],
    ['not_connected', 100],
  ])('lists those that are %s', async (state, count) => {
    const all = await allOf(`/v1/actions/${crowded}/targets?limit=30&state=${state}`);
    expect(all.map(({ target }) => target)).toEqual(Array.from({ length: count }, (_, n) => `${state}${n + 1}`));
  });

  test('is told to those who moderate its space, and to nobody else', async () => {
    const path = `/v1/actions/${crowded}/targets`;
    for (const role of ['moderator', 'viewer']) {
      const member = `/v1/spaces/${space['id']}/members/the-${role}`;
      await stagedoor.expect(200, stagedoor.request('PUT', member, { as: tenant.key, body: { role } }));
    }
    expect((await read(path, await tenant.issuer.token('the-moderator')))['data']).toHaveLength(50);
    expectProblem(await stagedoor.get(path, await tenant.issuer.token('the-viewer')), 'forbidden');
    expectProblem(await stagedoor.get(path, (await stagedoor.createTenant()).key), 'not_found');
    expectProblem(await stagedoor.get(`/v1/actions/${newId('act')}/targets`, tenant.key), 'not_found');
  });

  test.each(['cursor=bm8', 'cursor=LTE', 'state=open', 'limit=101'])('refuses %s', async (bad) => {
    expectProblem(await stagedoor.get(`/v1/actions/${crowded}/targets?${bad}`, tenant.key), 'invalid_request');
  });
});

describe('the list of the actions in a state', () => {
  test('names each action once, and those of one space on request', async () => {
    const made: Record<string, string> = {};
    for (const what of ['settled', 'stuck', 'pending', 'empty']) made[what] = await insertAction(beside['id']);
    const { settled = '', stuck = '', pending = '', empty = '' } = made;
    for (const state of ['done', 'not_connected', 'expired']) await insertDeliveries(settled, state);
    for (const state of ['done', 'stuck']) await insertDeliveries(stuck, state, 3);
    await insertDeliveries(pending, 'pending', 3);
    const inTenant = await insertAction(null);
    await insertDeliveries(inTenant, 'stuck');

    const inState = (state: string, filter = '') => idsOf(`/v1/actions?limit=1&state=${state}${filter}`);
    const here = `&spaceId=${beside['id']}`;
    expect(await inState('pending', here)).toEqual([pending, stuck]);
    expect(await inState('delivered', here)).toEqual([empty, settled]);
    expect(await inState('pending')).toEqual([inTenant, pending, stuck, crowded]);
    expect(await inState('delivered')).toEqual([empty, settled]);
  });
});
