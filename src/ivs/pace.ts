/** Part of the accepted rate that is used. It is below 1 so that IVS can recover from the calls that were too many. */
const usedPart = 0.9;

/** Lowest rate, in turns a second. A call waits up to one second, so with this rate it gets a turn if few others wait. */
const lowestRate = 2;

/** If no call has lacked a turn for this long, in milliseconds, the limit ends. */
const limitEndsAfterMs = 3_000;

/** Unused turns of this last time, in milliseconds, may still be taken. This makes up for a timer that fires late. */
const turnsKeptMs = 100;

/**
 * The rate at which one operation may be called. It is learned from the calls that IVS accepts and throttles: other
 * replicas and other programs use the same rate, and AWS does not tell how much of it is left. All times are in
 * milliseconds of one clock that only goes forward, such as `performance.now()`.
 */
export class Pace {
  private rate = Infinity;
  private turns = 0;
  /** Time for which `rate` and `turns` hold. */
  private updatedAt = 0;
  /** Time at which `rate` was last lowered. */
  private loweredAt = 0;
  /** Time at which a call last found no turn. */
  private noTurnAt = 0;
  private readonly acceptedCalls = new LastSecond();

  /** Turns a second. It is infinite while IVS does not throttle. */
  get turnsPerSecond(): number {
    return this.rate;
  }

  /** Takes a turn. Answers false if none is due. */
  takeTurn(now: number): boolean {
    if (this.rate === Infinity) return true;
    if (now - this.noTurnAt > limitEndsAfterMs) {
      this.rate = Infinity;
      return true;
    }
    this.advance(now);
    if (this.turns < 1) {
      this.noTurnAt = now;
      return false;
    }
    this.turns -= 1;
    return true;
  }

  /** Milliseconds until the next turn is due. */
  untilTurn(now: number): number {
    if (this.rate === Infinity) return 0;
    this.advance(now);
    return Math.max(0, ((1 - this.turns) / this.rate) * 1000);
  }

  /** To be called when IVS has accepted a call. */
  accepted(sentAt: number, now: number): void {
    this.acceptedCalls.add(now);
    // IVS throttles faster than it answers. Calls sent before the rate was lowered are known to be accepted only now.
    if (this.rate !== Infinity && sentAt <= this.loweredAt) {
      this.rate = Math.max(this.rate, usedPart * this.acceptedCalls.count(now));
    }
  }

  /** To be called when IVS has throttled a call. */
  throttled(sentAt: number, now: number): void {
    const wasUnlimited = this.rate === Infinity;
    this.noTurnAt = now;
    if (!wasUnlimited && sentAt <= this.loweredAt) return; // this call says nothing about the lowered rate
    const sustainable = usedPart * this.acceptedCalls.count(now);
    if (wasUnlimited) {
      this.rate = sustainable;
      this.turns = 0;
    } else {
      this.advance(now);
      // The rate falls to no less than half at once: in a second with few requests, few calls were accepted.
      this.rate = Math.min(this.rate, Math.max(this.rate / 2, sustainable));
    }
    this.rate = Math.max(lowestRate, this.rate);
    this.updatedAt = now;
    this.loweredAt = now;
  }

  /**
   * Adds the turns that became due, and raises the rate: by a tenth a second, plus one a second. Without the plus one it
   * would rise very slowly from the lowest rate.
   */
  private advance(now: number): void {
    const seconds = (now - this.updatedAt) / 1000;
    this.turns = Math.min(Math.max(1, (this.rate * turnsKeptMs) / 1000), this.turns + this.rate * seconds);
    this.rate += (this.rate / 10 + 1) * seconds;
    this.updatedAt = now;
  }
}

const slices = 20;
const sliceMs = 1000 / slices;

/** Counts events of the last second, with a precision of a twentieth of a second. */
class LastSecond {
  private readonly counts = Array.from({ length: slices }, () => 0);
  private slice = 0;

  add(now: number): void {
    this.forget(now);
    const place = this.slice % slices;
    this.counts[place] = (this.counts[place] ?? 0) + 1;
  }

  count(now: number): number {
    this.forget(now);
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  private forget(now: number): void {
    const slice = Math.floor(now / sliceMs);
    const passed = Math.min(slice - this.slice, slices);
    for (let i = 0; i < passed; i++) this.counts[(slice - i) % slices] = 0;
    this.slice = slice;
  }
}
