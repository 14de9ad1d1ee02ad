/** Tenants in one AWS account, whose call rates they share: what one of them asks for, and what is left for the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { onStage } from '../support/chat.ts';
import { sized } from '../support/full-size.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let flooding = new AbortController();

beforeEach(async () => {
  stagedoor = await Stagedoor.start({}, { quotas: 'on' });
});

afterEach(async () => {
  flooding.abort();
  await stagedoor.stop();
});

const missing = 'arn:aws:ivs:us-east-1:111122223333:stage/AbCdEfGhIjKl';

/** Sends a request again and again, ten at a time, until the test ends. */
function flood(send: () => Promise<Answer>): { answers: Answer[] } {
  flooding = new AbortController();
  const { signal } = flooding;
  const answers: Answer[] = [];
  const again = async () => {
    while (!signal.aborted) {
      answers.push(await send());
      await sleep(200); // some fifty a second, whatever the answers are
    }
  };
  for (let n = 0; n < 10; n++) void again().catch(() => undefined);
  return { answers };
}

/** The operations that IVS was asked for a stage. IVS notes no stage for a call that it throttled. */
function callsFor(stageArn: string): string[] {
  return stagedoor.ivs
    .journal()
    .filter(({ input = {} }) => [(input as Json)['arn'], (input as Json)['stageArn']].includes(stageArn))
    .map(({ operation }) => operation);
}

/** A banned user with an unused token, who comes in with it. */
async function comeInBanned(owner: TestTenant, space: Json, userId: string): Promise<string> {
  const vend = stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, owner.key, { userId });
  const { token, participantId } = await stagedoor.expect(201, vend);
  await stagedoor.expect(201, stagedoor.post('/v1/bans', owner.key, { userId }));
  stagedoor.ivs.join(token);
  return participantId;
}

test('a tenant that adopts a missing stage in a loop takes no call from the looks at another tenant’s stages', async () => {
  const [looping, other] = [await stagedoor.createTenant(), await stagedoor.createTenant()];
  const space = await stagedoor.createSpace(other, { room: false });
  const startedAt = performance.now();
  const { answers } = flood(() => stagedoor.post('/v1/spaces', looping.key, { name: 'x', stage: { arn: missing } }));
  await until(() => answers.length >= 30, 'the loop is under way');
  for (let n = 0; n < sized(4, 20); n++) {
    const participantId = await comeInBanned(other, space, `user${n}`);
    await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the banned user is out');
  }
  flooding.abort();

  // Twenty attempts may fail, and then one in ten seconds. Each has cost one call, and nothing was listed or created.
  const calls = callsFor(missing);
  expect(new Set(calls)).toEqual(new Set(['GetStage']));
  expect(calls.length).toBeLessThanOrEqual(21 + (performance.now() - startedAt) / 10_000);
  for (const operation of ['ListStages', 'ListRooms', 'CreateRoom']) {
    expect(stagedoor.ivs.journal({ operation })).toEqual([]);
  }
  const late = answers.filter(({ status }) => status === 503);
  for (const answer of late) expectProblem(answer, 'ivs_unavailable');
  const refused = answers.filter(({ status }) => status !== 400 && status !== 503);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expectProblem(answer, 'rate_limited');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(answer.headers.get('ratelimit')).toMatch(/^"[a-z-]+";r=0;t=\d+$/);
  }
});

test('another tenant creates spaces and lists its participants meanwhile, and its own failures are its own', async () => {
  const [looping, other] = [await stagedoor.createTenant(), await stagedoor.createTenant()];
  const space = await stagedoor.createSpace(other, { room: false });
  const { answers } = flood(() =>
    stagedoor.post('/v1/spaces', looping.key, { name: 'x', stage: { arn: missing }, room: false }),
  );
  await until(() => answers.length >= 30, 'the loop is under way');
  for (let n = 0; n < 4; n++) {
    expect((await stagedoor.get(`/v1/spaces/${space['id']}/participants`, other.key)).status).toBe(200);
    await stagedoor.createSpace(other);
  }
  const wrong = { name: 'x', stage: { arn: missing }, room: false };
  expectProblem(await stagedoor.post('/v1/spaces', other.key, wrong), 'invalid_request');
});

test('tenants who create spaces at the same moment wait for their turns, and IVS throttles nobody', async () => {
  const tenants = await Promise.all([1, 2, 3].map(() => stagedoor.createTenant()));
  const made = await Promise.all(
    tenants.flatMap(({ key }) => [1, 2].map(() => stagedoor.post('/v1/spaces', key, { name: 'x', room: false }))),
  );
  expect(made.map(({ status }) => status)).toEqual(made.map(() => 201));
  expect(stagedoor.ivs.journal().filter(({ status }) => status === 429)).toEqual([]);
});
