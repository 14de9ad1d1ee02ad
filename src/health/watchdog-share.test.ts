import {
  bansAfter,
  bansAfterFailure,
  bansAtFirst,
  checkMs,
  longestWaitMs,
  stepsWithin,
  turnEveryMs,
  waitAfter,
} from './watchdog-share.ts';

/** A clock that only the steps move, and the steps that were taken. */
class Steps {
  now = 0;
  taken = 0;

  constructor(
    readonly each: number,
    readonly last = Infinity,
  ) {}

  readonly step = async (): Promise<boolean> => {
    this.now += this.each;
    return ++this.taken === this.last;
  };

  async within(ms: number): Promise<number> {
    await stepsWithin(ms, this.step, () => this.now);
    return this.taken;
  }
}

describe('the steps of a turn', () => {
  test.each([
    ['end with the last one', new Steps(1, 3), 3],
    ['end when the time is over', new Steps(10), 8],
    ['are one at least', new Steps(2_000), 1],
    ['begin within the time, and may end after it', new Steps(30), 3],
  ])('%s', async (_, steps, taken) => {
    expect(await steps.within(80)).toBe(taken);
  });

  test('end with one that fails', async () => {
    let taken = 0;
    const failing = () => Promise.reject(new Error(`step ${++taken}`));
    await expect(stepsWithin(80, failing)).rejects.toThrow('step 1');
    expect(taken).toBe(1);
  });
});

test.each([
  ['the same if it took its time', 100, 40, 100],
  ['fewer if it took longer', 100, 80, 50],
  ['one at least', 1, 2_000, 1],
  ['more if it was quick', 100, 30, 133],
  ['twice as many at most', 100, 1, 200],
  ['a thousand at most', 900, 1, 1_000],
  ['more if the clock saw no time pass', 8, 0, 16],
])('the bans of the next step: %s', (_, bans, tookMs, next) => {
  expect(bansAfter(bans, tookMs)).toBe(next);
});

test('the bans after a step that failed are a quarter, down to one', () => {
  expect([64, 16, 4, 1].map(bansAfterFailure)).toEqual([16, 4, 1, 1]);
});

/** Turns over an hour of many bans. Each costs so many microseconds. */
async function hour(micros: number): Promise<{ share: number; bans: number }> {
  let [time, used, bans, size] = [0, 0, 0, bansAtFirst];
  while (time < 3_600_000) {
    let turn = 5; // the other checks
    const step = (what: () => number) => async () => {
      turn += what();
      return false;
    };
    await stepsWithin(
      checkMs.bans,
      step(() => {
        const took = (size * micros) / 1_000;
        bans += size;
        size = bansAfter(size, took);
        return took;
      }),
      () => turn,
    );
    await stepsWithin(
      checkMs.counts,
      step(() => 15),
      () => turn,
    );
    used += turn;
    time += Math.max(turnEveryMs, turn + waitAfter(turn));
  }
  return { share: used / time, bans };
}

test.each([10, 50, 1_000, 20_000])(
  'with bans that cost %p microseconds all turns together have a hundredth of a core',
  async (micros) => {
    const { share, bans } = await hour(micros);
    expect(share).toBeLessThanOrEqual(0.01);
    expect(bans).toBeGreaterThan(0);
  },
);

test('after a turn in which everything took too long, the watchdog comes back in some minutes', () => {
  expect([1_000, 2_000, 14_000].map(waitAfter)).toEqual([99_000, 198_000, longestWaitMs]);
});
