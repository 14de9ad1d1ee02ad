/** What is asked for, of what IVS took: less, so that IVS gets round to forgetting the calls that were too many. */
const cautious = 0.9;

/** Turns a second, at least: whoever waits up to a second for one is not to wait in vain where little else is asked for. */
const least = 2;

/** Once nobody has found the turns used up for this long, in milliseconds, there is nothing to pace. */
const quietMs = 3_000;

/** Turns nobody was ready for are kept this long, in milliseconds: a timer that fires late makes up for it. */
const keptMs = 100;

/**
 * How fast an operation may be called, learned from what IVS takes and what it throttles: other replicas, and whatever else
 * calls with the AWS account, use the same rate, and AWS tells nobody what is left of it. All times are of one clock that
 * only goes forward, in milliseconds.
 */
export class Pace {
  private rate = Infinity;
  private turns = 0;
  /** When `rate` and `turns` were as they say. */
  private at = 0;
  private slowedAt = 0;
  private shortAt = 0;
  private readonly taken = new LastSecond();

  /** Turns a second; infinite while IVS does not throttle. */
  get turnsPerSecond(): number {
    return this.rate;
  }

  /** Takes a turn, if one is due. */
  takeTurn(now: number): boolean {
    if (this.rate === Infinity) return true;
    if (now - this.shortAt > quietMs) {
      this.rate = Infinity;
      return true;
    }
    this.advance(now);
    if (this.turns < 1) {
      this.shortAt = now;
      return false;
    }
    this.turns -= 1;
    return true;
  }

  /** Milliseconds until a turn is due. */
  untilTurn(now: number): number {
    if (this.rate === Infinity) return 0;
    this.advance(now);
    return Math.max(0, ((1 - this.turns) / this.rate) * 1000);
  }

  /** IVS took a call. */
  took(sentAt: number, now: number): void {
    this.taken.add(now);
    // IVS is quicker to throttle than to answer. What it had taken by then shows only later.
    if (this.rate !== Infinity && sentAt <= this.slowedAt) {
      this.rate = Math.max(this.rate, cautious * this.taken.count(now));
    }
  }

  /** IVS throttled a call. */
  throttled(sentAt: number, now: number): void {
    const free = this.rate === Infinity;
    this.shortAt = now;
    if (!free && sentAt <= this.slowedAt) return; // says nothing about the pace since then
    const sustainable = cautious * this.taken.count(now);
    if (free) {
      this.rate = sustainable;
      this.turns = 0;
    } else {
      this.advance(now);
      // Not below the half at once: little was taken in a second in which little was asked for.
      this.rate = Math.min(this.rate, Math.max(this.rate / 2, sustainable));
    }
    this.rate = Math.max(least, this.rate);
    this.at = now;
    this.slowedAt = now;
  }

  /** Lets turns fall due, and the pace grow: by a tenth a second, and by one a second, or it would take ages from the least. */
  private advance(now: number): void {
    const seconds = (now - this.at) / 1000;
    this.turns = Math.min(Math.max(1, (this.rate * keptMs) / 1000), this.turns + this.rate * seconds);
    this.rate += (this.rate / 10 + 1) * seconds;
    this.at = now;
  }
}

const slices = 20;
const sliceMs = 1000 / slices;

/** Counts what happened within the last second, to a twentieth. */
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
