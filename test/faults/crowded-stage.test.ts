/** Looks at stages with more people than IVS lists in one call, within IVS's call rates. */
import { CreateParticipantTokenCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { onStage } from '../support/chat.ts';
import { inParallel, sized } from '../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const peopleOnStage = sized(550, 5_000);

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeEach(async () => {
  const rates = { CreateParticipantToken: 100_000 };
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '10000' }, { quotas: 'on', rates });
  tenant = await stagedoor.createTenant();
});
afterEach(() => stagedoor.stop());

/** Lets a crowd in that Stagedoor has given no tokens. */
async function crowd(stageArn: string): Promise<void> {
  const ivs = new IVSRealTimeClient({
    endpoint: stagedoor.ivs.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await inParallel(peopleOnStage, 20, async (n) => {
    const made = await ivs.send(new CreateParticipantTokenCommand({ stageArn, userId: `crowd-${n}` }));
    stagedoor.ivs.join(String(made.participantToken?.token));
  });
  ivs.destroy();
}

/** Users with an unused stage token each, who are banned. */
async function banned(space: Json, count: number): Promise<Json[]> {
  const tokens: Json[] = [];
  await inParallel(count, 4, async (n) => {
    const userId = `banned-${n}`;
    const path = `/v1/spaces/${space['id']}/stage-tokens`;
    tokens.push(await stagedoor.expect(201, stagedoor.post(path, tenant.key, { userId })));
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId, spaceId: space['id'] }));
  });
  return tokens;
}

const listCalls = () => stagedoor.ivs.journal({ operation: 'ListParticipants' });

/** Waits until a participant is gone, and returns how many ListParticipants were made meanwhile. Gives up at `most`. */
async function callsUntilGone(stageArn: string, participantId: string, most: number): Promise<number> {
  const before = listCalls().length;
  const made = () => listCalls().length - before;
  const isIn = () => onStage(stagedoor, stageArn).includes(participantId);
  await until(() => !isIn() || made() > most, 'they are gone, or too many calls were made');
  return made();
}

/** All calls of a look, if it asks for so many people on so many pages in the way that takes fewer calls. */
function callsOfLook(people: number): number {
  const calls = 1 + 2 * Math.min(people, Math.ceil(peopleOnStage / 100));
  return Math.ceil((calls * 8) / 7) + 1; // one call in eight asks for publishers
}

test.each([1, 4, sized(12, 300)])(
  'with %i watched in a crowd, who comes in late is found within two looks',
  async (watched) => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker', room: false });
    const stageArn = space['stage'].arn;
    await crowd(stageArn);
    const [late = {}] = await banned(space, watched);
    const { participantId } = stagedoor.ivs.join(late['token']);
    const most = 2 * callsOfLook(watched);
    expect(await callsUntilGone(stageArn, participantId, most)).toBeLessThanOrEqual(most);
    expect(onStage(stagedoor, stageArn)).toHaveLength(peopleOnStage);
  },
);

test('a look goes on where IVS throttled it', async () => {
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker', room: false });
  const stageArn = space['stage'].arn;
  await crowd(stageArn);
  const [late = {}] = await banned(space, 8);
  const { participantId } = stagedoor.ivs.join(late['token']);
  stagedoor.ivs.fault({ operation: 'ListParticipants', every: 2, effect: { throttle: true } });
  const most = 4 * callsOfLook(8);
  expect(await callsUntilGone(stageArn, participantId, most)).toBeLessThanOrEqual(most);
});

test('who publishes is found before the look at a crowd is whole', async () => {
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker', room: false });
  const stageArn = space['stage'].arn;
  await crowd(stageArn);
  const [late = {}] = await banned(space, sized(7, 70));
  const { participantId } = stagedoor.ivs.join(late['token']);
  stagedoor.ivs.publish({ stageArn, participantId });
  const most = 12; // at four calls a second, the publishers are asked for every eight calls
  expect(await callsUntilGone(stageArn, participantId, most)).toBeLessThanOrEqual(most);
});
