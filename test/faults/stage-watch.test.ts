/** The looks at stages, beside what is decided meanwhile and beside one another. */
import pg from 'pg';
import { Delivery } from '../../src/delivery/delivery.ts';
import { carriedOut } from '../support/actions.ts';
import { onStage } from '../support/chat.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { limits } from '../../src/limits.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let watcher: pg.Client;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  watcher = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await watcher.connect();
});

afterAll(async () => {
  await watcher.end();
  await stagedoor.stop();
});

/** A user with a stage token that was not used, who is banned: Stagedoor watches the stage for them. */
async function banUnused(space: Json, userId: string): Promise<{ ban: Json; action: Json; participantId: string }> {
  const path = `/v1/spaces/${space['id']}/stage-tokens`;
  const { participantId } = await stagedoor.expect(201, stagedoor.post(path, tenant.key, { userId }));
  const made = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId, spaceId: space['id'] }));
  return { ban: made['ban'], action: made['action'], participantId };
}

const statesOf = async (actionId: string) =>
  (await stagedoor.get(`/v1/actions/${actionId}`, tenant.key)).body['targets'].map(({ state }: Json) => state);

test('a look that finds a user while their ban is lifted leads to no call afterwards', async () => {
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
  const { ban, action, participantId } = await banUnused(space, 'found');
  await carriedOut(stagedoor, tenant.key, action);
  const seen = JSON.stringify({ [participantId]: { userId: 'found', publishing: true } });
  await watcher.query('begin');
  // First the row, so that the service's own look is not leased at the same time.
  await watcher.query('select from watches where space_id = $1 for update', [space['id']]);
  const look = 'select finish_watch($1, $2, clock_timestamp(), $3, $4, 4, $5) as found';
  const step = { nextIn: 2, unspent: 0 };
  expect((await watcher.query(look, [tenant.id, space['id'], seen, step, limits])).rows).toEqual([{ found: 1 }]);
  const lifting = stagedoor.request('DELETE', `/v1/bans/${ban['id']}`, { as: tenant.key, body: {} });
  const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await until(async () => (await stagedoor.database.query(waiting)).length > 0, 'the lift waits for the look');
  await watcher.query('commit');
  expect((await lifting).status).toBe(200);
  const calls = () => stagedoor.ivs.journal({ operation: 'DisconnectParticipant' }).length;
  const before = calls();
  expect(await statesOf(action['id'])).not.toContain('pending');
  await stagedoor.app.get(Delivery).run();
  expect(calls()).toBe(before);
});

test('a slow Region does not hold up the looks at stages in other Regions', async () => {
  const far = await stagedoor.createTenant(undefined, { region: 'eu-west-1' });
  const tokensIn = async (owner: TestTenant) => {
    const { id } = await stagedoor.createSpace(owner, { defaultRole: 'speaker' });
    const vend = (userId: string) =>
      stagedoor.expect(201, stagedoor.post(`/v1/spaces/${id}/stage-tokens`, owner.key, { userId }));
    stagedoor.ivs.join((await vend('bystander'))['token']); // IVS lists the participants of a stage that is in use
    return await vend('late');
  };
  const [near] = [await tokensIn(tenant), await tokensIn(far)];
  const slowly = (operation: string) =>
    stagedoor.ivs.fault({ operation, region: 'eu-west-1', effect: { delayMs: 2_400 } });
  const [slow] = ['GetStage', 'ListParticipants'].map(slowly);
  for (const { key } of [tenant, far]) {
    await stagedoor.expect(201, stagedoor.post('/v1/bans', key, { userId: 'late' }));
  }
  await until(() => (slow?.struck ?? 0) > 0, 'the slow look is under way');
  const { stageArn, participantId } = stagedoor.ivs.join(near['token']);
  await stagedoor.database.query(`update watches set next_at = now() where tenant_id = '${tenant.id}'`);
  const isIn = () => onStage(stagedoor, stageArn).includes(participantId);
  await until(() => !isIn(), 'the look at the near stage has found the user who came in');
  // The emulator writes a call down when it answers it: the slow look goes on.
  expect(stagedoor.ivs.journal({ operation: 'ListParticipants', region: 'eu-west-1' })).toEqual([]);
});

test('what IVS allows is shared among stages with many users to look for and stages with one', async () => {
  const spaces: Json[] = [];
  for (let n = 0; n < 6; n++) spaces.push(await stagedoor.createSpace(tenant, { defaultRole: 'speaker' }));
  const [crowded = {}] = spaces;
  for (const space of spaces) await banUnused(space, 'one');
  await banUnused(crowded, 'two');
  await stagedoor.stopService();
  await watcher.query('delete from watches where not space_id = any ($1)', [spaces.map(({ id }) => id)]);
  const leased = async (allowance: number): Promise<string[]> => {
    await watcher.query(
      `update pacing set allowance = $1, at = clock_timestamp() where operation in ('ListParticipants', 'GetStage')`,
      [allowance],
    );
    const { rows } = await watcher.query(`select space_id from lease_watches(10, '10 seconds', 64, 3, 0, 10)`);
    return rows.map(({ space_id }: Json) => space_id);
  };
  await watcher.query(`update watches set leased_until = 'epoch', next_at = now() - interval '1 minute'`);
  await watcher.query(`update watches set next_at = now() - interval '2 minutes' where space_id = $1`, [crowded['id']]);
  // The crowded stage is due for longest. It takes what there is, and goes on with its look later.
  expect(await leased(1)).toEqual([crowded['id']]);
  await watcher.query(`update watches set leased_until = 'epoch'`);
  expect(await leased(5)).toHaveLength(3);
  expect(await leased(5)).toHaveLength(3);
});
