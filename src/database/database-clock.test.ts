import { type ClockReading, DatabaseClock } from './database-clock.ts';

/** A reading whose answer came after `tookMs`; the database read its clock at the end of it. */
function reading(offsetMs: number, tookMs: number): ClockReading {
  const askedAt = performance.now();
  return { askedAt, answeredAt: askedAt + tookMs, databaseMs: Date.now() + offsetMs + tookMs };
}

const offsetOf = (clock: DatabaseClock) => clock.now().getTime() - Date.now();

it('goes by the database, whatever the clock of this process says', () => {
  const clock = new DatabaseClock();
  clock.set([reading(-900_000, 2), reading(-900_000, 2), reading(-900_000, 2)]);
  expect(Math.abs(offsetOf(clock) + 900_000)).toBeLessThan(1_000);
  expect(Math.abs(clock.skewSeconds - 900)).toBeLessThan(1);
});

it('believes quick readings, and none that is alone', () => {
  const clock = new DatabaseClock();
  clock.set([reading(0, 2), reading(40_000, 1), reading(0, 3), reading(0, 9_000), reading(0, 9_000)]);
  expect(Math.abs(offsetOf(clock))).toBeLessThan(1_000);
});

it('counts when the clock of the database was set back, and only then', () => {
  const clock = new DatabaseClock();
  for (const offset of [0, 60_000, 60_000, 59_500]) clock.set([reading(offset, 1)]);
  expect(clock.stepsBack).toBe(0);
  clock.set([reading(-600_000, 1)]);
  expect(clock.stepsBack).toBe(1);
});

it('takes no slow reading for a step back, and finds the step by the next quick one', () => {
  const clock = new DatabaseClock();
  const startOf = (tookMs: number, offsetMs = 0) => ({
    ...reading(offsetMs, tookMs),
    databaseMs: Date.now() + offsetMs,
  });
  clock.set([reading(0, 1)]);
  clock.set([startOf(6_000)]);
  clock.set([startOf(1)]);
  expect(clock.stepsBack).toBe(0);
  clock.set([startOf(6_000, -600_000)]);
  clock.set([startOf(1, -600_000)]);
  expect(clock.stepsBack).toBe(1);
});

it('keeps its last reading when there is no other', () => {
  const clock = new DatabaseClock();
  clock.set([reading(5_000, 1)]);
  clock.set([]);
  expect(Math.abs(offsetOf(clock) - 5_000)).toBeLessThan(1_000);
});
