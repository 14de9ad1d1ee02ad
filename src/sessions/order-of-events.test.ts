import { oldestFirst } from './order-of-events.ts';

const event = (name: string, seconds: number) => ({ name, eventTime: new Date(seconds * 1_000) });
const life = [event('JOINED', 1), event('PUBLISH_STARTED', 2), event('PUBLISH_STOPPED', 2), event('LEFT', 3)];

test.each([
  ['oldest first', life],
  ['newest first', life.toReversed()],
])('events that are listed %s come oldest first, those of one second too', (_, listed) => {
  expect(oldestFirst(listed)).toEqual(life);
});

test('no events are in order', () => {
  expect(oldestFirst([])).toEqual([]);
});
