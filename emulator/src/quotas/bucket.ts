/**
 * A share of calls. Kept `evenly`, a second's worth may go at once and comes back bit by bit, so that a quiet caller may
 * pass nearly twice the rate in one second. Kept `strictly`, no span of a second has more than the rate.
 */
export class Bucket {
  #tokens: number | undefined;
  #refilledAt = 0;
  #calls: number[] = [];

  /**
   * Takes one; `false` when there is none left.
   *
   * @param now Milliseconds since 1970.
   * @param rate A second.
   */
  take(now: number, rate: number, strict = false): boolean {
    return strict ? this.#takeStrictly(now, rate) : this.#takeEvenly(now, rate);
  }

  #takeEvenly(now: number, rate: number): boolean {
    const refill = ((now - this.#refilledAt) / 1000) * rate;
    this.#tokens = Math.min(rate, (this.#tokens ?? rate) + refill);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #takeStrictly(now: number, rate: number): boolean {
    this.#calls = this.#calls.filter((call) => call > now - 1000);
    if (this.#calls.length >= rate) return false;
    this.#calls.push(now);
    return true;
  }
}
