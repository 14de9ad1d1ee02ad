/** One stream: what its reader gets, and what waits in memory for a reader who takes nothing. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventReader } from '../../test/support/event-reader.ts';
import { until } from '../../test/support/until.ts';
import { positionOf } from './event-id.ts';
import type { EventsFound, LoggedEvent } from './event-log.ts';
import { EventStream, heartbeatMs, slowMs } from './event-stream.ts';

/** More than the buffers of a connection hold, together with the size of an event. */
const number = 20_000;
const size = 2_000;

const log = Array.from({ length: number }, (_, nth): LoggedEvent => {
  const data = { name: 'x'.repeat(size), by: { kind: 'system', id: 'test' } };
  const id = crypto.randomUUID();
  return {
    tenantId: 'ten_1',
    id,
    position: nth + 1,
    type: 'space.opened',
    spaceId: null,
    userId: null,
    at: new Date(),
    data,
  };
});

let server: http.Server;
/** How many events the log has now. */
let end: number;
/** How often a stream has read the log. */
let reads: number;
let streams: { stream: EventStream; response: http.ServerResponse }[];

beforeEach(async () => {
  [end, reads, streams] = [0, 0, []];
  server = http.createServer((request, response) => {
    const after = positionOf(request.headers['last-event-id'] as string) ?? end;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const stream = new EventStream(response, {}, after, readOn, () => end);
    streams.push({ stream, response });
    response.once('close', () => stream.forget());
    stream.begin();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function readOn(after: number): Promise<EventsFound> {
  reads += 1;
  const events = log.slice(after, Math.min(after + 100, end));
  return await Promise.resolve({ events, position: after + events.length, last: end, missed: 0 });
}

const open = (lastEventId?: string) =>
  EventReader.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'key', '', lastEventId);

/** Tells a stream whose reader takes nothing of all events, the first of them by the feed. Returns the most bytes that waited. */
async function fill(stream: EventStream, response: http.ServerResponse): Promise<number> {
  while (end < number) {
    end += 100;
    stream.take(log.slice(end - 100, end), end);
  }
  let most = 0;
  let [last, same] = [-1, 0];
  await until(() => {
    stream.tick(performance.now());
    most = Math.max(most, response.writableLength);
    [last, same] = [reads, reads === last ? same + 1 : 0];
    return response.writableNeedDrain && same === 20;
  }, 'the buffers of the connection are full');
  return most;
}

const numbers = (reader: EventReader) => reader.events.map(({ id }) => positionOf(id as string));

test('what waits for a reader who takes nothing is bounded, and the stream ends with a reason and without a gap', async () => {
  const reader = await open();
  await until(() => reader.lastEventId !== undefined, 'the stream says where it begins');
  const [{ stream, response }] = streams as [(typeof streams)[0]];
  reader.pause();
  const most = await fill(stream, response);
  expect(most).toBeLessThan(64 * 1024 + 110 * (size + 500));
  expect(reads).toBeLessThan(number / 100); // the others wait in the log

  stream.tick(performance.now() + slowMs + 1_000);
  expect(response.writableEnded).toBe(true);
  reader.resume();
  await until(() => reader.isOver, 'the reader learns that the stream has ended');
  expect(reader.notes).toMatchObject([{ event: 'stagedoor.closed', data: { reason: 'slow' } }]);
  const next = await open(reader.lastEventId);
  await until(() => numbers(next).at(-1) === number, 'the next stream has the rest');
  expect([...numbers(reader), ...numbers(next)]).toEqual(log.map(({ position }) => position));
  next.cut();
});

test('the connection of a reader who takes nothing does not outlive the end of the stream for long', async () => {
  const reader = await open();
  await until(() => reader.lastEventId !== undefined, 'the stream says where it begins');
  const [{ stream, response }] = streams as [(typeof streams)[0]];
  reader.pause();
  await fill(stream, response);
  stream.end('stopping', 50);
  await until(() => response.destroyed, 'the connection is cut');
  reader.cut();
});

test('a stream on which nothing happens gets a comment, which names the place that it has reached', async () => {
  const reader = await open();
  await until(() => reader.lastEventId !== undefined, 'the stream says where it begins');
  const [{ stream }] = streams as [(typeof streams)[0]];
  stream.take([], 7); // events that do not fit the filter
  stream.tick(performance.now() + heartbeatMs + 1_000);
  await until(() => reader.comments > 0, 'a comment comes');
  expect(positionOf(reader.lastEventId as string)).toBe(7);
  reader.cut();
});
