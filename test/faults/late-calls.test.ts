/** Calls that IVS carries out long after it was asked: nobody who is lawfully there again is disconnected by one. */
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { ban } from '../support/actions.ts';
import { connectOnce, enter } from '../support/chat.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor.stop();
});

/** IVS carries out the next DisconnectUser this long after it was asked. The service waits for 2.5 seconds. */
const lateMs = 6_000;

/** IVS carries out the next DisconnectUser late. */
const delayNextCall = () => stagedoor.ivs.fault({ operation: 'DisconnectUser', count: 1, effect: { delayMs: lateMs } });

/** The calls of a user that IVS has carried out. */
function carriedOut(userId: string) {
  const calls = stagedoor.ivs.journal({ operation: 'DisconnectUser' });
  return calls.filter(({ input }) => (input as Json | undefined)?.['userId'] === userId);
}

/** Joins as soon as the service gives tokens, and waits until IVS has carried out the late call. Fails if it disconnects. */
async function comesBack(userId: string, late: { id: number }): Promise<void> {
  let pass: Json = {};
  await until(async () => {
    const answer = await stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId });
    pass = answer.body;
    return answer.status === 201;
  }, 'the user gets tokens again');
  const chat = connectOnce(stagedoor, pass);
  await chat.connected;
  // The fault tells the call. The time that it took does not: a timer may fire a fraction of a millisecond early.
  const isLate = (call: { fault?: number }) => call.fault === late.id;
  await until(() => carriedOut(userId).some(isLate), 'IVS has carried out the late call');
  await chat.room.sendMessage(new SendMessageRequest('here I am'));
  expect(chat.room.state).toBe('connected');
  chat.room.disconnect();
}

test('a call of a timed ban that IVS carries out after the ban has ended disconnects nobody', async () => {
  await enter(stagedoor, space['id'], tenant.key, { userId: 'timed' });
  const late = delayNextCall();
  await ban(stagedoor, tenant.key, { userId: 'timed', expiresAt: new Date(Date.now() + 4_000).toISOString() });
  await comesBack('timed', late);
});

test('a call that IVS carries out after its connection was cut disconnects nobody after the ban was lifted', async () => {
  await enter(stagedoor, space['id'], tenant.key, { userId: 'lifted' });
  const late = delayNextCall();
  const { ban: made } = await ban(stagedoor, tenant.key, { userId: 'lifted' });
  await until(() => late.struck === 1, 'the call is at IVS');
  await until(() => carriedOut('lifted').length > 0, 'the call was repeated');
  const as = { as: tenant.key, body: {} };
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${made['id']}`, as));
  await comesBack('lifted', late);
});

test('a kick that IVS carries out after its connection was cut does not hit the connection of a newer token', async () => {
  await enter(stagedoor, space['id'], tenant.key, { userId: 'kicked' });
  const late = delayNextCall();
  const answer = await stagedoor.post(`/v1/spaces/${space['id']}/users/kicked/disconnect`, tenant.key, {});
  expect([200, 202]).toContain(answer.status);
  await comesBack('kicked', late);
});
