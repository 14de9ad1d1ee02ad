import { Pace } from './pace.ts';

let pace: Pace;

beforeEach(() => {
  pace = new Pace();
});

/** IVS accepts calls, evenly spread over a span of time. */
function took(calls: number, from: number, to: number): void {
  for (let i = 0; i < calls; i++) {
    const now = from + ((to - from) * i) / calls;
    pace.accepted(now, now);
  }
}

/** Number of turns that a caller gets between two times, if it always asks for one. */
function turnsTaken(from: number, to: number): number {
  let taken = 0;
  for (let now = from; now < to; now++) while (pace.takeTurn(now)) taken++;
  return taken;
}

it('gives any number of turns while IVS does not throttle', () => {
  took(1_000, 0, 1_000);
  expect(pace.turnsPerSecond).toBe(Infinity);
  expect(pace.takeTurn(1_000)).toBe(true);
  expect(pace.untilTurn(1_000)).toBe(0);
});

it('starts at nine tenths of the calls that IVS accepted in the last second', () => {
  took(500, 0, 1_000);
  took(50, 1_000, 2_000);
  pace.throttled(1_999, 2_000);
  expect(pace.turnsPerSecond).toBeGreaterThanOrEqual(0.8 * 50);
  expect(pace.turnsPerSecond).toBeLessThanOrEqual(0.9 * 50);
});

it('gives two turns a second if IVS accepts nothing', () => {
  pace.throttled(10_000, 10_010);
  expect(pace.turnsPerSecond).toBe(2);
  expect(pace.takeTurn(10_010)).toBe(false);
  expect(pace.untilTurn(10_010)).toBe(500);
  expect(pace.takeTurn(10_510)).toBe(true);
});

it('counts the calls that IVS had accepted before it throttled, although their answers come later', () => {
  pace.throttled(0, 5);
  for (let i = 0; i < 50; i++) pace.accepted(0, 60);
  expect(pace.turnsPerSecond).toBe(45);
});

it('grows by about a tenth a second', () => {
  took(100, 0, 950);
  pace.throttled(950, 950);
  expect(pace.turnsPerSecond).toBe(90);
  expect(turnsTaken(950, 2_950)).toBeGreaterThan(2 * 90);
  expect(pace.turnsPerSecond).toBeGreaterThan(90 * 1.2);
  expect(pace.turnsPerSecond).toBeLessThan(90 * 1.3);
});

it('falls to nine tenths of the accepted calls each time IVS throttles, but to no less than half at once', () => {
  took(100, 0, 950);
  pace.throttled(950, 950);
  took(40, 1_000, 1_950);
  pace.throttled(1_940, 1_950);
  expect(pace.turnsPerSecond).toBe(50); // half of 100, to which the rate of 90 had risen
  took(40, 2_000, 2_950);
  pace.throttled(2_940, 2_950);
  expect(pace.turnsPerSecond).toBe(36);
});

it('does not fall for calls that were sent before it fell last', () => {
  took(100, 0, 950);
  for (let i = 0; i < 500; i++) pace.throttled(940, 950 + i);
  expect(pace.turnsPerSecond).toBe(90);
});

it('keeps few unused turns', () => {
  took(100, 0, 950);
  pace.throttled(950, 950);
  expect(turnsTaken(2_950, 2_951)).toBeLessThan(15);
});

it('ends when for some seconds every call has found a turn', () => {
  took(10, 0, 950);
  pace.throttled(950, 950);
  for (let now = 1_200; now < 4_000; now += 200) expect(pace.takeTurn(now)).toBe(true);
  expect(pace.turnsPerSecond).toBeLessThan(Infinity);
  expect(pace.takeTurn(4_000)).toBe(true);
  expect(pace.turnsPerSecond).toBe(Infinity);
});

it('continues while calls find no turn, and while IVS throttles', () => {
  took(10, 0, 950);
  pace.throttled(950, 950);
  turnsTaken(3_000, 3_001);
  expect(pace.takeTurn(5_900)).toBe(true);
  pace.throttled(5_900, 5_950);
  expect(pace.takeTurn(8_900)).toBe(true);
  expect(pace.turnsPerSecond).toBeLessThan(Infinity);
});
