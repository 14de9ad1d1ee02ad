/** What the chat view keeps of a room, however much is written there. */
import { type Message, mostLines, RoomLog } from '../../console/src/chat/room-log.ts';

const message = (n: number): Message => ({
  kind: 'message',
  id: `m${n}`,
  sender: 'ann',
  name: '',
  isOfConsole: false,
  text: String(n),
  at: '2026-03-01T19:00:00.000Z',
  isDeleted: false,
});

function logOf(count: number): RoomLog {
  const log = new RoomLog();
  for (let n = 0; n < count; n++) log.add(message(n));
  return log;
}

const ends = ({ view: { lines } }: RoomLog) => [lines.length, lines[0]?.id, lines.at(-1)?.id];

test('it keeps the newest lines alone, after an hour of 50 messages a second', () => {
  expect(ends(logOf(180_000))).toEqual([mostLines, 'm179500', 'm179999']);
});

test('it shows a message once that two connections have brought', () => {
  const log = logOf(3);
  log.add(message(2));
  expect(ends(log)).toEqual([3, 'm0', 'm2']);
});

test('it stands still while somebody reads older lines, and counts what comes', () => {
  const log = logOf(600);
  log.hold();
  const before = log.view;
  for (let n = 600; n < 2_600; n++) log.add(message(n));
  expect(ends(log)).toEqual([mostLines, 'm100', 'm599']);
  expect([before.waiting, log.view.waiting, log.view.isHeld]).toEqual([0, 2_000, true]);
  log.follow();
  expect(ends(log)).toEqual([mostLines, 'm2100', 'm2599']);
  expect(log.view).toMatchObject({ waiting: 0, isHeld: false });
});

test('it marks a deleted message wherever it stands, and gives the same view until something changes', () => {
  const log = logOf(3);
  log.hold();
  log.add(message(3));
  const { view } = log;
  expect(log.view).toBe(view);
  log.markDeleted('m1');
  log.markDeleted('gone');
  const deleted = () => log.view.lines.filter((line) => line.kind === 'message' && line.isDeleted).map(({ id }) => id);
  expect(deleted()).toEqual(['m1']);
  log.markDeleted('m3');
  log.follow();
  expect(deleted()).toEqual(['m1', 'm3']);
  expect(view.lines.some((line) => line.kind === 'message' && line.isDeleted)).toBe(false);
});
