/** Vends a second that a replica is believed to complete before it has been seen at work. The line absorbs a wrong guess. */
const firstGuess = 2_000;

/** The rate is measured over times of this length, in milliseconds. */
const windowMs = 500;

/**
 * The best of so many measured times counts. A replica that reads thousands of requests at once completes little meanwhile,
 * and a belief that is too low lets it stand idle. One that is too high costs some more refusals.
 */
const windows = 4;

/** Learns how many vends a second a replica completes while it has as much work as it can do. */
export class WorkRate {
  private measured: number[] = [];
  private since: number | undefined;
  private ended = 0;

  /** Vends a second. */
  get perSecond(): number {
    return this.isKnown ? Math.max(...this.measured) : firstGuess;
  }

  /** Whether the rate was measured for long enough to be relied on. */
  get isKnown(): boolean {
    return this.measured.length > 1;
  }

  /**
   * To be called when a vend has ended.
   * @param now milliseconds of `performance.now()`.
   * @param othersWait whether more vends wait. While none waits, the replica could do more than it does.
   */
  noteEnd(now: number, othersWait: boolean): void {
    if (!othersWait) {
      this.since = undefined;
      return;
    }
    this.ended++;
    const elapsed = this.since === undefined ? Infinity : now - this.since;
    if (elapsed < windowMs) return;
    // Vends that were held up for long, such as by a database that was away, tell nothing about the rate.
    if (elapsed < 2 * windowMs) this.measured = [...this.measured, (this.ended / elapsed) * 1_000].slice(-windows);
    this.since = now;
    this.ended = 0;
  }
}
