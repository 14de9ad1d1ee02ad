import { carriedOut, freeze } from '../../../support/actions.ts';
import { enter, onStage } from '../../../support/chat.ts';
import { hoard } from '../../../support/hoard.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
});

afterAll(async () => {
  await stagedoor.stop();
});

beforeEach(async () => {
  space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
});

const act = (verb: string, body: Json = {}) => stagedoor.post(`/v1/spaces/${space['id']}/${verb}`, tenant.key, body);
const join = (userId: string, role: string) => act('join', { userId, role });

test('a frozen space has its publishers and chatters out, lets in moderators only, and is unfrozen with one call', async () => {
  const come = (userId: string, role: string) => enter(stagedoor, space['id'], tenant.key, { userId, role });
  const [host, speaker, viewer] = [
    await come('host', 'host'),
    await come('speaker', 'speaker'),
    await come('vi', 'viewer'),
  ];
  const frozen = await freeze(stagedoor, tenant.key, space['id'], { reason: 'raid' });
  expect(frozen).toMatchObject({ kind: 'space.freeze', spaceId: space['id'], reason: 'raid' });
  await carriedOut(stagedoor, tenant.key, frozen);
  await Promise.all([speaker.chat.disconnected, viewer.chat.disconnected]);
  // A viewer may go on watching the stage.
  expect(onStage(stagedoor, space['stage'].arn)).toEqual([host, viewer].map(({ pass }) => pass['stage'].participantId));
  expect(host.chat.room.state).toBe('connected');
  expectProblem(await join('new', 'speaker'), 'space_closed');
  expectProblem(await join('vi', 'viewer'), 'space_closed');
  expect((await join('mod', 'moderator')).status).toBe(201);
  expect((await act('unfreeze')).status).toBe(200);
  expect((await join('speaker', 'speaker')).status).toBe(201);
  host.chat.room.disconnect();
});

test('of two who freeze at once one does, the other is told, and there is one audit entry for each action', async () => {
  const both = await Promise.all([act('freeze'), act('freeze')]);
  expect(both.map(({ status }) => (status < 300 ? 'done' : status))).toEqual(expect.arrayContaining(['done', 409]));
  const unfrozen = await Promise.all([act('unfreeze'), act('unfreeze')]);
  expect(unfrozen.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 409]));
  const { data } = (await stagedoor.get(`/v1/audit?spaceId=${space['id']}`, tenant.key)).body;
  const acts = data.map(({ action }: Json) => action).filter((action: string) => action.includes('freeze'));
  expect(acts).toEqual(['space.unfreeze', 'space.freeze']);
});

test('tokens under way while the space is frozen are not handed out', async () => {
  const fault = stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { delayMs: 60_000 }, count: 1 });
  const joining = stagedoor.once.post(`/v1/spaces/${space['id']}/join`, tenant.key, {
    userId: 'late',
    role: 'speaker',
  });
  await until(() => fault.struck === 1, 'the vend is at IVS');
  await act('freeze');
  stagedoor.ivs.clearFaults(fault.id); // IVS makes the token now
  expect((await joining).status).toBeGreaterThanOrEqual(400);
  const { data } = (await stagedoor.get(`/v1/grants?spaceId=${space['id']}`, tenant.key)).body;
  expect(data).toEqual([]);
});

test('a space that is unfrozen while a call hangs at IVS waits for it, so that nobody is put out afterwards', async () => {
  const speaker = await enter(stagedoor, space['id'], tenant.key, { userId: 'speaker', role: 'speaker' });
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 1_000 }, count: 1 });
  const freezing = stagedoor.once.post(`/v1/spaces/${space['id']}/freeze`, tenant.key);
  await until(() => fault.struck === 1, 'the call is at IVS');
  const answer = await act('unfreeze');
  expect(answer.body).toMatchObject({ id: space['id'] });
  const calls = () => stagedoor.ivs.journal({ operation: 'DisconnectUser' }).filter((call) => call.fault === fault.id);
  expect(calls()).toHaveLength(1);
  await speaker.chat.disconnected;
  await freezing;
  // Whoever comes back stays.
  const back = await enter(stagedoor, space['id'], tenant.key, { userId: 'speaker', role: 'speaker' });
  await until(
    async () =>
      (await stagedoor.get(`/v1/actions?spaceId=${space['id']}&state=pending`, tenant.key)).body['data'].length === 0,
    'nothing is left to do',
  );
  expect(back.chat.room.state).toBe('connected');
  back.chat.room.disconnect();
});

test('unfreezing a space frees nobody whom a ban holds', async () => {
  const { body: pass } = await join('troll', 'speaker');
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'troll' }));
  await act('freeze');
  await act('unfreeze');
  const { data } = (await stagedoor.get('/v1/grants?userId=troll', tenant.key)).body;
  expect(data.map(({ state }: Json) => state)).toEqual(['watched', 'watched']);
  const { participantId } = stagedoor.ivs.join(pass['stage'].token);
  await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the participant is out');
});

test('a crowd is frozen in one call, and unfrozen by one', async () => {
  const userIds = Array.from({ length: 1_500 }, (_, n) => `crowd-${n}`);
  await hoard(stagedoor.database, tenant.id, space['id'], { userIds, each: 1 });
  const frozen = await freeze(stagedoor, tenant.key, space['id']);
  expect(frozen['state']).toBe('pending');
  expectProblem(await join('crowd-1', 'speaker'), 'space_closed');
  const count = async (sql: string) => (await stagedoor.database.query(sql, [frozen['id']])).length;
  await until(async () => (await count('select from holds where action_id = $1')) === 3_000, 'all is written down');
  // Each is to leave the stage and the room, and the room once more when their unused token has expired.
  expect(await count(`select from deliveries where action_id = $1 and operation = 'DisconnectParticipant'`)).toBe(
    1_500,
  );
  expect(await count(`select from deliveries where action_id = $1 and operation = 'DisconnectUser'`)).toBe(3_000);
  expect((await act('unfreeze')).status).toBe(200);
  expect(await count('select from holds where action_id = $1')).toBe(0);
  expect(await count(`select from deliveries where action_id = $1 and state = 'pending'`)).toBe(0);
  expect(
    await stagedoor.database.query(`select from grants where state = 'watched' and space_id = $1`, [space['id']]),
  ).toEqual([]);
});

describe('in a frozen space, a moderator who becomes none is silenced, and may be there again after it:', () => {
  const as = () => tenant.key;
  const member = (role: string) =>
    stagedoor.request('PUT', `/v1/spaces/${space['id']}/members/ann`, { as: as(), body: { role } });
  const hostBody = {
    stage: { capabilities: ['PUBLISH', 'SUBSCRIBE'] },
    chat: { capabilities: ['SEND_MESSAGE'] },
    moderator: true,
    rank: 30,
  };
  const putHost = (moderator: boolean) =>
    stagedoor.request('PUT', '/v1/roles/host', { as: as(), body: { ...hostBody, moderator } });

  afterEach(() => putHost(true));

  test.each<[string, boolean, () => Promise<unknown>]>([
    ['their role is changed', false, () => act('users/ann/role', { role: 'speaker' })],
    ['their member row is changed', false, () => member('speaker')],
    [
      'their member row is deleted',
      false,
      () => stagedoor.request('DELETE', `/v1/spaces/${space['id']}/members/ann`, { as: as() }),
    ],
    ['their role moderates no more', false, () => putHost(false)],
    ['their role was changed before', true, () => act('users/ann/role', { role: 'speaker' })],
  ])('%s', async (_, isBefore, change) => {
    space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
    await member('host');
    const ann = await enter(stagedoor, space['id'], as(), { userId: 'ann' });
    const chief = await enter(stagedoor, space['id'], as(), { userId: 'chief', role: 'moderator' });
    const stageArn = space['stage'].arn;
    const isIn = () => onStage(stagedoor, stageArn).includes(ann.pass['stage'].participantId);
    stagedoor.ivs.publish({ stageArn, participantId: ann.pass['stage'].participantId });
    if (isBefore) await change();
    expect(isIn()).toBe(true);
    const { id } = await freeze(stagedoor, as(), space['id']);
    if (!isBefore) {
      expect(isIn()).toBe(true);
      await change();
    }
    await until(() => !isIn(), 'they are off the stage');
    await ann.chat.disconnected;
    expect(chief.chat.room.state).toBe('connected');
    await until(async () => {
      const told = await stagedoor.get(`/v1/actions/${id}`, as());
      return told.body['state'] === 'delivered' || told.body['silencedAt'] !== undefined;
    }, 'the freezing is carried out');
    expect((await act('unfreeze')).status).toBe(200);
    const again = await stagedoor.expect(201, act('join', { userId: 'ann' }));
    const { participantId } = stagedoor.ivs.join(again['stage'].token);
    stagedoor.ivs.publish({ stageArn, participantId });
    const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=ann&spaceId=${space['id']}`, as()));
    expect((data as Json[]).filter(({ state }) => state === 'watched')).toEqual([]);
    chief.chat.room.disconnect();
  });
});
