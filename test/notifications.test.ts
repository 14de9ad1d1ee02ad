/** What replicas tell each other by NOTIFY. */
import { Notifications } from '../src/database/notifications.ts';
import { Reach } from '../src/database/reach.ts';
import { Settings } from '../src/config.ts';
import { createDatabase, type TestDatabase } from './support/database.ts';
import { until } from './support/until.ts';

let database: TestDatabase;
let heard: string[];
let notifications: Notifications;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  heard = [];
});
afterEach(() => notifications.onApplicationShutdown());

function listen(channel: string, isPooled = false): void {
  const settings = Settings.from({
    DATABASE_URL: database.serviceUrl,
    STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
    AWS_REGION: 'us-east-1',
    LOG_LEVEL: 'silent',
  });
  notifications = new Notifications(settings, new Reach(isPooled));
  notifications.listen(channel, (payload) => heard.push(payload));
  notifications.onApplicationBootstrap();
}

/** Tells again until it is heard: nobody knows from outside when the connection listens. */
async function untilHeard(text: string): Promise<void> {
  await until(async () => {
    await database.query('select pg_notify($1, $2)', ['some', text]);
    return heard.includes(text);
  }, `${text} is heard`);
}

const connections = `from pg_stat_activity where datname = current_database() and application_name = 'stagedoor notifications'`;

test('messages are heard, and again after the connection was cut', async () => {
  listen('some');
  await untilHeard('one');
  await database.query(`select pg_terminate_backend(pid) ${connections}`);
  await untilHeard('two');
});

test('behind a connection pooler nobody connects', async () => {
  listen('some', true);
  await database.query('select pg_notify($1, $2)', ['some', 'one']);
  expect(await database.query(`select pid ${connections}`)).toEqual([]);
});

test('number_events tells which tenants have new events', async () => {
  listen('stagedoor_events');
  await until(async () => {
    await database.query(`select write_events('ten', '[{"type":"a","data":{}}]')`);
    await database.query('select * from number_events(10)');
    return heard.length > 0;
  }, 'new events are heard of');
  expect(new Set(heard)).toEqual(new Set(['ten']));
});
