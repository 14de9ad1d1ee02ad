/**
 * What holds if IVS accepts a DisconnectParticipant of an id that is not connected. It is not known whether it does. An accepted
 * call then proves nothing about an unused token.
 */
import { ban as banBy } from '../../support/actions.ts';
import { onStage } from '../../support/chat.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({}, { switches: { absentParticipant: 'ignored' } });
  tenant = await stagedoor.createTenant();
});

afterAll(async () => {
  await stagedoor.stop();
});

const ban = (userId: string) => banBy(stagedoor, tenant.key, { userId });

/** The outcome of the calls to IVS for the stage. */
async function stageCalls(actionId: string): Promise<string[]> {
  const { targets } = await stagedoor.expect(200, stagedoor.get(`/v1/actions/${actionId}`, tenant.key));
  return (targets as Json[])
    .filter(({ operation }) => operation === 'DisconnectParticipant')
    .map(({ state }) => state as string);
}

async function unusedToken(userId: string): Promise<{ arn: string; token: string }> {
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
  const { stage } = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }),
  );
  return { arn: space['stage'].arn, token: stage.token };
}

async function comesInAndGoes({ arn, token }: { arn: string; token: string }): Promise<void> {
  const { participantId } = stagedoor.ivs.join(token);
  await until(() => !onStage(stagedoor, arn).includes(participantId), 'the participant is out');
}

test('a banned user who comes in with an unused token is thrown out', async () => {
  const unused = await unusedToken('user-1');
  const { action } = await ban('user-1');
  await until(async () => (await stageCalls(action['id'])).includes('done'), 'IVS has accepted the call');
  await comesInAndGoes(unused);
});

test('a second ban holds an unused token for which IVS has accepted the calls of a first one', async () => {
  const unused = await unusedToken('user-2');
  const first = await ban('user-2');
  await until(async () => (await stageCalls(first.action['id'])).includes('done'), 'IVS has accepted the call');
  await stagedoor.request('DELETE', `/v1/bans/${first.ban['id']}`, { as: tenant.key, body: {} });
  await ban('user-2');
  await comesInAndGoes(unused);
});
