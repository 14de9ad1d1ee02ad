/** Events of IVS that EventBridge puts into an SQS queue: what is deleted there, and what stays. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { functionSet } from '../../../src/database/function-set.ts';
import { SqsServer } from '../../support/sqs-server.ts';
import { type Json, Stagedoor } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let sqs: SqsServer;
let stagedoor: Stagedoor;
let superuser: pg.Client;
let stageArn: string;

beforeAll(async () => {
  sqs = await SqsServer.start();
  stagedoor = await Stagedoor.start({ IVS_EVENTS_QUEUE_URL: sqs.queueUrl });
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
  const tenant = await stagedoor.createTenant();
  stageArn = (await stagedoor.createSpace(tenant, { room: false }))['stage'].arn;
});
afterAll(async () => {
  await superuser.end();
  await stagedoor.stop();
  await sqs.stop();
});

function eventOf(changed: Json = {}): Json {
  const [, , , region, account] = stageArn.split(':');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'IVS Stage Update',
    source: 'aws.ivs',
    account,
    time: '2026-11-26T12:00:00Z',
    region,
    resources: [stageArn],
    detail: { event_name: 'Participant Published' },
    ...changed,
  };
}

async function isKept(event: Json): Promise<boolean> {
  return (await superuser.query('select from ivs_events where id = $1', [event['id']])).rowCount === 1;
}

const isEmpty = () => until(() => sqs.length === 0, 'the queue is empty');

test('events are stored and deleted, copies and strange ones are only deleted', async () => {
  const events = Array.from({ length: 12 }, () => eventOf());
  for (const event of [...events, ...events.slice(0, 5)]) sqs.send(event);
  const strange = eventOf({ account: '999999999999' });
  sqs.send(strange);
  await isEmpty();
  const ids = [...events, strange].map(({ id }) => id as string);
  const { rows } = await superuser.query<Json>('select id from ivs_events where id = any ($1)', [ids]);
  expect(rows.map(({ id }) => id as string).sort()).toEqual(events.map(({ id }) => id as string).sort());
  const { text } = await stagedoor.get('/metrics');
  expect(text).toMatch(/stagedoor_ivs_events_total\{.*way="queue".*outcome="taken".*\} 12\n/);
  expect(text).toMatch(/stagedoor_ivs_events_queue_age_seconds \d/);
});

test('a message whose event cannot be stored stays, and is stored later', async () => {
  const event = eventOf();
  await superuser.query('begin; lock table ivs_events in access exclusive mode');
  sqs.send(event);
  await until(() => sqs.receives === 1 && sqs.openPolls === 1, 'the message was taken, and the queue is read again');
  expect(sqs.length).toBe(1);
  await superuser.query('rollback');
  sqs.skip(31);
  await isEmpty();
  expect(await isKept(event)).toBe(true);
});

test('nothing is received while the database does not answer', async () => {
  await until(() => sqs.openPolls === 1, 'the queue is being read');
  const event = eventOf();
  await superuser.query(`revoke usage on schema ${functionSet.schema} from stagedoor_app`);
  const polls = sqs.calls.length;
  sqs.endPolls();
  await until(() => sqs.openPolls === 0, 'the poll has ended');
  sqs.send(event);
  expect((await stagedoor.get('/health/ready')).status).toBe(503);
  expect([sqs.receives, sqs.calls.length]).toEqual([0, polls]);
  await superuser.query(`grant usage on schema ${functionSet.schema} to stagedoor_app`);
  await isEmpty();
  expect(await isKept(event)).toBe(true);
});

test.each<[string, string]>([
  ['no JSON', '{'],
  ['no event', '{"hello":"world"}'],
  ['too long', JSON.stringify({ text: 'x'.repeat(70_000) })],
  ['nested too deep', '['.repeat(30_000)],
  ['text that Postgres cannot keep', JSON.stringify({ detail: { text: '\0' } })],
])('a message that is %s stays until the redrive policy takes it, and the others flow', async (_, body) => {
  sqs.maxReceiveCount = 2;
  sqs.dead.length = 0;
  sqs.send(body);
  const event = eventOf();
  sqs.send(event);
  await until(() => isKept(event), 'the event is stored');
  await until(() => sqs.length === 1 && sqs.openPolls === 1, 'the message stays');
  sqs.skip(31);
  await until(() => sqs.receives === 2 && sqs.openPolls === 1, 'it is read again');
  sqs.skip(31);
  await isEmpty();
  expect(sqs.dead).toEqual([body]);
  sqs.maxReceiveCount = 1_000;
});

test('a message that arrives damaged is not taken, and is read again', async () => {
  const event = eventOf();
  sqs.corruptsNext = true;
  sqs.send(event);
  await until(() => sqs.receives === 1 && sqs.openPolls === 1, 'it was received, and the queue is read again');
  expect(await isKept(event)).toBe(false);
  sqs.skip(31);
  await isEmpty();
  expect(await isKept(event)).toBe(true);
});

test('a queue that fails is read again when it works', async () => {
  await until(() => sqs.openPolls === 1, 'the queue is being read');
  sqs.isDown = true;
  const before = sqs.calls.length;
  sqs.endPolls();
  await until(() => sqs.calls.length > before + 3, 'the queue has failed');
  const event = eventOf();
  sqs.send(event);
  sqs.isDown = false;
  await isEmpty();
  expect(await isKept(event)).toBe(true);
});

test('a stop waits for the message that is being stored, and for no poll', async () => {
  await superuser.query('begin; lock table ivs_events in access exclusive mode');
  const event = eventOf();
  sqs.send(event);
  const waits = `select from pg_locks where relation = 'ivs_events'::regclass and not granted`;
  await until(async () => (await superuser.query(waits)).rowCount === 1, 'the message is being stored');
  const stopped = stagedoor.stopService();
  await superuser.query('rollback');
  await stopped;
  expect([sqs.length, await isKept(event)]).toEqual([0, true]);
  expect(sqs.openPolls).toBe(0);
});
