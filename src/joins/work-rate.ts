/**
 * Vends a second that a replica is believed to complete before it has been seen at work. A guess that is too high costs
 * some more refusals in the first second; one that is too low would send clients away for whom there is time.
 */
const firstGuess = 2_000;

/** The rate is measured over this time, in milliseconds. */
const windowMs = 250;

/** Learns how many vends a second a replica completes while it has as much work as it can do. */
export class WorkRate {
  private rate = firstGuess;
  private since: number | undefined;
  private ended = 0;
  private wasBusy = false;
  /** Whether the rate was ever measured. */
  isKnown = false;

  get perSecond(): number {
    return this.rate;
  }

  /**
   * To be called when a vend has ended.
   * @param now milliseconds of `performance.now()`.
   * @param othersWait whether more vends wait. While none waits, the replica could do more than it does.
   */
  noteEnd(now: number, othersWait: boolean): void {
    this.ended++;
    this.wasBusy &&= othersWait;
    const elapsed = now - (this.since ?? -Infinity);
    if (elapsed < windowMs) return;
    if (elapsed < 2 * windowMs) this.learn((this.ended / elapsed) * 1000);
    this.since = now;
    this.ended = 0;
    this.wasBusy = othersWait;
  }

  private learn(measured: number): void {
    if (this.wasBusy) {
      this.rate = this.isKnown ? (this.rate + measured) / 2 : measured;
      this.isKnown = true;
    } else if (this.isKnown) {
      this.rate = Math.max(this.rate, measured);
    }
  }
}
