import { DisconnectParticipantCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { ban } from '../support/actions.ts';
import { enter } from '../support/chat.ts';
import { bannedInside, lawfulPutOut } from '../support/outcomes.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
});

afterAll(async () => {
  await stagedoor.stop();
});

const come = (userId: string) => enter(stagedoor, space['id'], tenant.key, { userId });

// The other fault suites rest on these two. So this test shows that they see what they are for.
test('the outcomes show a banned person who is in, and nobody who is out', async () => {
  await come('ann');
  await come('ben');
  await ban(stagedoor, tenant.key, { userId: 'ben' });
  expect(await bannedInside(stagedoor)).toEqual([]);
  await stagedoor.database.query(
    `insert into bans (tenant_id, id, user_id, created_by) values ($1, 'ban_by_hand', 'ann', '{}')`,
    [tenant.id],
  );
  expect(await bannedInside(stagedoor)).toEqual(['ann is on the stage', 'ann is in the room']);
  await stagedoor.database.query(`delete from bans where id = 'ban_by_hand'`);
});

test('the outcomes show a lawful person who was put out, and nobody who was put out by an act', async () => {
  const eve = await come('eve');
  const { action } = await ban(stagedoor, tenant.key, { userId: 'eve' });
  expect(await lawfulPutOut(stagedoor)).toEqual({ participants: [], connections: [] });

  const dan = await come('dan');
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new IVSRealTimeClient({ endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials });
  const { participantId } = dan.pass['stage'];
  await client.send(new DisconnectParticipantCommand({ stageArn: space['stage'].arn, participantId }));
  // The call against the room was made after the ban had ended and a newer token had left.
  await stagedoor.database.query(
    `update bans set lifted_at = (select created_at + interval '1 millisecond' from actions where id = $1) where user_id = 'eve'`,
    [action.id],
  );
  await stagedoor.database.query(
    `update grants set checked_at = (select created_at + interval '1 millisecond' from actions where id = $1) where id = $2`,
    [action.id, eve.pass['chat'].grantId],
  );
  expect(await lawfulPutOut(stagedoor)).toEqual({
    participants: expect.arrayContaining([participantId, eve.pass['stage'].participantId]),
    connections: [eve.pass['chat'].grantId],
  });
});
