import { CreateStageCommand, IVSRealTimeClient, TagResourceCommand } from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { SpaceReclaimer } from '../../../../src/spaces/space-reclaimer.ts';
import { enter, onStage } from '../../../support/chat.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

beforeEach(async () => {
  tenant = await stagedoor.createTenant();
});

afterEach(() => {
  stagedoor.ivs.clearFaults();
});

function post(body: Json, as = tenant.key) {
  return stagedoor.post('/v1/spaces', as, body);
}

function patch(id: string, body: Json) {
  return stagedoor.request('PATCH', `/v1/spaces/${id}`, { as: tenant.key, body });
}

function get(id: string) {
  return stagedoor.get(`/v1/spaces/${id}`, tenant.key);
}

function remove(id: string) {
  return stagedoor.request('DELETE', `/v1/spaces/${id}`, { as: tenant.key });
}

async function reclaim(): Promise<void> {
  await stagedoor.app.get(SpaceReclaimer).run('0 seconds');
}

/** ARNs of the stages and rooms that IVS has. */
function atIvs(): string[] {
  const { stages, rooms } = stagedoor.ivs.overview();
  return [...stages.first, ...rooms.first].map(({ arn }) => arn);
}

/** Makes a stage and a room at IVS, as somebody else than the service does. */
async function foreign(
  tags: Record<string, string> = {},
  accessKeyId = 'local',
): Promise<{ stage: string; room: string }> {
  const config = clientConfig(accessKeyId);
  const { stage } = await new IVSRealTimeClient(config).send(new CreateStageCommand({ tags }));
  const { arn } = await new IvschatClient(config).send(new CreateRoomCommand({ tags }));
  return { stage: stage?.arn ?? '', room: arn ?? '' };
}

function clientConfig(accessKeyId: string) {
  return {
    endpoint: stagedoor.ivs.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'local' },
  };
}

describe('creating', () => {
  it('makes a stage and a room, tagged with the tenant', async () => {
    const made = await stagedoor.expect(201, post({ name: 'Main', metadata: { a: [1, { b: null }] } }));
    expect(made).toEqual({
      id: expect.stringMatching(/^spc_/),
      name: 'Main',
      status: 'open',
      frozenAt: null,
      defaultRole: null,
      capacity: null,
      stage: {
        arn: expect.stringMatching(/:stage\//),
        endpoints: { events: expect.anything(), whip: expect.anything() },
      },
      room: { arn: expect.stringMatching(/:room\//) },
      metadata: { a: [1, { b: null }] },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(atIvs()).toEqual(expect.arrayContaining([made['stage'].arn, made['room'].arn]));
    expect((await get(made['id'])).body).toEqual(made);
    const created = stagedoor.ivs.journal().filter(({ operation }) => /^Create(Stage|Room)$/.test(operation));
    for (const { input } of created.slice(-2)) {
      expect(input).toMatchObject({ tags: { 'stagedoor:tenant': tenant.id, 'stagedoor:space': made['id'] } });
    }
  });

  it.each<[string, Json, string[]]>([
    ['stage: false', { stage: false }, ['room']],
    ['room: false', { room: false }, ['stage']],
    ['both: true', { stage: true, room: true }, ['stage', 'room']],
  ])('with %s makes what was asked for', async (_what, body, halves) => {
    const made = await stagedoor.expect(201, post({ name: 'Half', ...body }));
    expect(['stage', 'room'].filter((half) => made[half] !== null)).toEqual(halves);
  });

  it('of neither half is refused', async () => {
    expectProblem(await post({ name: 'None', stage: false, room: false }), 'invalid_request');
  });

  it('with a role the tenant has not is refused', async () => {
    const answer = await post({ name: 'x', defaultRole: 'nobody' });
    expectProblem(answer, 'invalid_request');
    expect(answer.body['errors'][0].path).toBe('defaultRole');
  });

  it('that IVS refuses by half leaves nothing of the other', async () => {
    const before = atIvs();
    stagedoor.ivs.fault({ operation: 'CreateRoom', effect: { error: 'ServiceQuotaExceededException', status: 402 } });
    expectProblem(await post({ name: 'x' }), 'quota_exceeded');
    await until(() => atIvs().length === before.length, 'the stage is gone');
    expect((await stagedoor.get('/v1/spaces', tenant.key)).body['data']).toEqual([]);
  });

  it('that IVS did without answering is undone', async () => {
    const before = atIvs();
    stagedoor.ivs.fault({ operation: 'CreateStage', count: 1, effect: { reset: 'after' } });
    stagedoor.ivs.fault({ operation: 'ListStages', effect: { error: 'InternalServerException' } });
    expectProblem(await post({ name: 'x' }), 'ivs_unavailable');
    expect(atIvs().length).toBeGreaterThan(before.length);
    expect((await stagedoor.get('/v1/spaces', tenant.key)).body['data']).toEqual([]);
    stagedoor.ivs.clearFaults();
    await until(async () => {
      await reclaim();
      return atIvs().length === before.length;
    }, 'stage and room are gone');
    expect(await stagedoor.database.query('select id from spaces where tenant_id = $1', [tenant.id])).toEqual([]);
  });
});

describe('adopting', () => {
  it('takes a stage and a room that carry the tenant’s tag, and people can enter them', async () => {
    const { stage, room } = await foreign({ 'stagedoor:tenant': tenant.id });
    const body = { name: 'Old', stage: { arn: stage }, room: { arn: room }, defaultRole: 'viewer' };
    const made = await stagedoor.expect(201, post(body));
    expect([made['stage'].arn, made['room'].arn]).toEqual([stage, room]);
    const person = await enter(stagedoor, made['id'], tenant.key, { userId: 'ann' });
    expect(onStage(stagedoor, stage)).toEqual([person.pass['stage'].participantId]);
    person.chat.room.disconnect();
  });

  it.each<[string, (mine: string) => Promise<{ stage: string; room: string }>]>([
    ['carries no tag', () => foreign()],
    ['carries the tag of another', () => foreign({ 'stagedoor:tenant': 'ten_01h455vb4pex5vsknk084sn02q' })],
    ['is in another account', (mine) => foreign({ 'stagedoor:tenant': mine }, '444455556666')],
    [
      'is not there',
      async () => ({
        stage: 'arn:aws:ivs:us-east-1:111122223333:stage/AbCdEfGhIjKl',
        room: 'arn:aws:ivschat:us-east-1:111122223333:room/AbCdEfGhIjKl',
      }),
    ],
    [
      'is in another Region',
      async () => ({
        stage: 'arn:aws:ivs:eu-west-1:111122223333:stage/AbCdEfGhIjKl',
        room: 'arn:aws:ivschat:eu-west-1:111122223333:room/AbCdEfGhIjKl',
      }),
    ],
  ])('what %s is refused in the same words, and told what is missing', async (_what, find) => {
    const arns = await find(tenant.id);
    for (const [half, other] of [
      ['stage', 'room'],
      ['room', 'stage'],
    ] as const) {
      const answer = await post({ name: 'x', [half]: { arn: arns[half] }, [other]: false });
      expectProblem(answer, 'invalid_request');
      const message = `must be the ARN of a resource that exists in the tenant’s AWS account and Region and has the tag stagedoor:tenant=${tenant.id}`;
      expect(answer.body['errors']).toEqual([{ path: `${half}.arn`, message }]);
    }
  });

  it('what belongs to a space already is refused, and the space keeps it', async () => {
    const { stage } = await foreign({ 'stagedoor:tenant': tenant.id });
    const first = await stagedoor.expect(201, post({ name: 'First', stage: { arn: stage }, room: false }));
    expectProblem(await post({ name: 'Second', stage: { arn: stage }, room: false }), 'conflict');
    expect((await get(first['id'])).body['stage'].arn).toBe(stage);
    expect(atIvs()).toContain(stage);
  });

  it('what another tenant’s space has is not to be had', async () => {
    const other = await stagedoor.createTenant();
    const theirs = await stagedoor.createSpace(other);
    expectProblem(await post({ name: 'x', stage: { arn: theirs['stage'].arn }, room: false }), 'invalid_request');
    expect(atIvs()).toContain(theirs['stage'].arn);
    // Even a tag of one's own does not take it away from a space that has it.
    const tags = { 'stagedoor:tenant': tenant.id };
    const resourceArn = theirs['stage'].arn as string;
    await new IVSRealTimeClient(clientConfig('local')).send(new TagResourceCommand({ resourceArn, tags }));
    expectProblem(await post({ name: 'x', stage: { arn: resourceArn }, room: false }), 'conflict');
    const { body } = await stagedoor.get(`/v1/spaces/${theirs['id']}`, other.key);
    expect(body['stage'].arn).toBe(resourceArn);
  });
});

describe('changing', () => {
  it.each<[string, Json]>([
    ['name', { name: 'New name ☃' }],
    ['status', { status: 'closed' }],
    ['defaultRole', { defaultRole: 'speaker' }],
    ['defaultRole', { defaultRole: null }],
    ['capacity', { capacity: 3 }],
    ['capacity', { capacity: null }],
    ['metadata', { metadata: { only: 'this' } }],
  ])('%s changes that and nothing else', async (_what, change) => {
    const start = { name: 'Old', defaultRole: 'viewer', capacity: 7, metadata: { old: true } };
    const made = await stagedoor.expect(201, post({ ...start, room: false }));
    const changed = await stagedoor.expect(200, patch(made['id'], change));
    expect(changed).toEqual({ ...made, ...change, updatedAt: expect.any(String) });
    expect(Date.parse(changed['updatedAt'])).toBeGreaterThanOrEqual(Date.parse(made['updatedAt']));
    expect((await get(made['id'])).body).toEqual(changed);
  });

  it('to a role the tenant has not is refused', async () => {
    const made = await stagedoor.createSpace(tenant, { room: false });
    expectProblem(await patch(made['id'], { defaultRole: 'nobody', name: 'x' }), 'invalid_request');
    expect((await get(made['id'])).body).toEqual(made);
  });
});

it('a list has every space once, page by page, and no other tenant’s', async () => {
  await stagedoor.createSpace(await stagedoor.createTenant(), { room: false });
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.push((await stagedoor.createSpace(tenant, { room: false }))['id']);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Json = (
      await stagedoor.get(`/v1/spaces?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`, tenant.key)
    ).body;
    expect(page['data'].length).toBeLessThanOrEqual(2);
    seen.push(...page['data'].map(({ id }: Json) => id as string));
    cursor = page['nextCursor'];
  } while (cursor !== null);
  expect(seen).toEqual(made);
});

describe('deleting', () => {
  it('ends stage and room, disconnects everybody, and answers 404 from then on', async () => {
    const made = await stagedoor.createSpace(tenant);
    const { chat } = await enter(stagedoor, made['id'], tenant.key, { userId: 'ann' });
    const answer = await remove(made['id']);
    expect([answer.status, answer.text]).toEqual([204, '']);
    await chat.disconnected;
    for (const half of ['stage', 'room']) expect(atIvs()).not.toContain(made[half].arn);
    expectProblem(await get(made['id']), 'not_found');
    expectProblem(await patch(made['id'], { name: 'x' }), 'not_found');
    expectProblem(await remove(made['id']), 'not_found');
    expectProblem(await stagedoor.post(`/v1/spaces/${made['id']}/join`, tenant.key, { userId: 'u' }), 'not_found');
  });

  it('lets adopted ones live on, and they can be adopted anew', async () => {
    const { stage, room } = await foreign({ 'stagedoor:tenant': tenant.id });
    const body = { name: 'Old', stage: { arn: stage }, room: { arn: room } };
    const made = await stagedoor.expect(201, post(body));
    expect((await remove(made['id'])).status).toBe(204);
    expect(atIvs()).toEqual(expect.arrayContaining([stage, room]));
    await stagedoor.expect(201, post(body));
  });

  it('of a space with very many members deletes them in steps', async () => {
    const space = await stagedoor.createSpace(tenant);
    const { query } = stagedoor.database;
    await query(
      `insert into members (tenant_id, space_id, user_id, role) select $1, $2, 'user-' || n, 'viewer' from generate_series(1, 2500) as n`,
      [tenant.id, space['id']],
    );
    await query(`create table public.deletions (members integer);
      grant insert on public.deletions to public;
      create function public.note() returns trigger language plpgsql as $$
      begin insert into public.deletions select count(*) from gone; return null; end $$;
      create trigger note after delete on members referencing old table as gone for each statement execute function public.note()`);
    try {
      expect((await remove(space['id'])).status).toBe(204);
      expect(await query('select from members where space_id = $1', [space['id']])).toEqual([]);
      expect(await query('select max(members) as most, sum(members)::int as all from public.deletions')).toEqual([
        { most: 1_000, all: 2_500 },
      ]);
    } finally {
      await query('drop trigger note on members; drop function public.note; drop table public.deletions');
    }
  });

  it('is done where IVS has lost the stage already', async () => {
    const made = await stagedoor.createSpace(tenant, { room: false });
    stagedoor.ivs.fault({ operation: 'DeleteStage', effect: { error: 'ResourceNotFoundException', status: 404 } });
    expect((await remove(made['id'])).status).toBe(204);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['making it again', async (id) => expect((await remove(id)).status).toBe(204)],
    ['the service itself', reclaim],
  ])('that IVS cuts short counts at once, and is finished by %s', async (_what, finish) => {
    const made = await stagedoor.createSpace(tenant);
    stagedoor.ivs.fault({ operation: 'DeleteRoom', effect: { error: 'InternalServerException' } });
    expectProblem(await remove(made['id']), 'ivs_unavailable');
    expectProblem(await get(made['id']), 'not_found');
    expect(atIvs()).toContain(made['room'].arn);
    stagedoor.ivs.clearFaults();
    await finish(made['id']);
    for (const half of ['stage', 'room']) expect(atIvs()).not.toContain(made[half].arn);
    expectProblem(await remove(made['id']), 'not_found');
  });
});
