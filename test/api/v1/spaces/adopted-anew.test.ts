/** A stage and a room that a space of the tenant adopts after their space was deleted: acts find the tokens from before. */
import { CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { CreateRoomCommand, IvschatClient } from '@aws-sdk/client-ivschat';
import { connectOnce, onStage } from '../../../support/chat.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
/** The space that has the stage and the room now. */
let space: Json;
/** What `old` got in the space that was deleted. */
let pass: Json;
let participantId: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

beforeEach(async () => {
  tenant = await stagedoor.createTenant();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials };
  const tags = { 'stagedoor:tenant': tenant.id };
  const { stage } = await new IVSRealTimeClient(config).send(new CreateStageCommand({ tags }));
  const { arn } = await new IvschatClient(config).send(new CreateRoomCommand({ tags }));
  const body = { stage: { arn: stage?.arn }, room: { arn }, defaultRole: 'speaker' };
  const before = await stagedoor.createSpace(tenant, body);
  const joining = stagedoor.post(`/v1/spaces/${before['id']}/join`, tenant.key, { userId: 'old', role: 'host' });
  pass = await stagedoor.expect(201, joining);
  participantId = pass['stage'].participantId;
  await stagedoor.request('DELETE', `/v1/spaces/${before['id']}`, { as: tenant.key });
  space = await stagedoor.createSpace(tenant, body);
});

const here = (path: string, body: Json = {}, as = tenant.key) =>
  stagedoor.post(`/v1/spaces/${space['id']}/${path}`, as, body);
const isInside = () => onStage(stagedoor, space['stage'].arn).includes(participantId);

test.each<[string, () => Promise<Answer>]>([
  ['a ban in the tenant', () => stagedoor.post('/v1/bans', tenant.key, { userId: 'old' })],
  ['a ban in the space', () => stagedoor.post('/v1/bans', tenant.key, { userId: 'old', spaceId: space['id'] })],
  ['a kick', () => here('users/old/disconnect')],
  ['a freezing', () => here('freeze')],
  ['a revocation', () => stagedoor.post('/v1/users/old/revoke', tenant.key, {})],
  ['a change of role', () => here('users/old/role', { role: 'viewer' })],
])('%s puts out who is there with a token of the deleted space', async (what, act) => {
  stagedoor.ivs.join(pass['stage'].token);
  const chat = connectOnce(stagedoor, pass);
  await chat.connected;
  if (what === 'a freezing') await stagedoor.database.query(`update grants set role = 'speaker'`);
  expect((await act()).status).toBeLessThan(300);
  await until(() => !isInside(), 'the participant is out');
  if (what === 'a change of role') chat.room.disconnect();
  else await chat.disconnected;
});

test('a ban puts out who comes in later with an unused token of the deleted space', async () => {
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'old', spaceId: space['id'] }));
  stagedoor.ivs.join(pass['stage'].token);
  await until(() => !isInside(), 'the participant is out');
});

test('a ban from before the stage is adopted again puts out who comes in after it', async () => {
  const { stage, room } = space;
  await stagedoor.request('DELETE', `/v1/spaces/${space['id']}`, { as: tenant.key });
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'old' }));
  space = await stagedoor.createSpace(tenant, { stage: { arn: stage.arn }, room: { arn: room.arn } });
  stagedoor.ivs.join(pass['stage'].token);
  await until(() => !isInside(), 'the participant is out');
});

test('the list of participants knows who is there with a token of the deleted space, and their rank protects them', async () => {
  stagedoor.ivs.join(pass['stage'].token);
  const { body } = await stagedoor.get(`/v1/spaces/${space['id']}/participants`, tenant.key);
  expect(body['data']).toMatchObject([{ participantId, userId: 'old', role: 'host' }]);
  const moderator = await tenant.issuer.token('mod');
  const member = { as: tenant.key, body: { role: 'moderator' } };
  await stagedoor.expect(200, stagedoor.request('PUT', `/v1/spaces/${space['id']}/members/mod`, member));
  expectProblem(await here(`participants/${participantId}/disconnect`, {}, moderator), 'forbidden');
});
