/**
 * Limits calls to a rate. A token bucket by default: it holds the calls of one second and refills steadily, so that a
 * caller who was quiet before can make nearly twice the rate in one second. In strict mode, no span of one second has
 * more calls than the rate.
 */
export class Bucket {
  #tokens: number | undefined;
  #refilledAt = 0;
  #calls: number[] = [];

  /**
   * Takes one call. Returns `false` when the rate is used up.
   *
   * @param now Milliseconds since 1970.
   * @param rate Calls a second.
   */
  take(now: number, rate: number, strict = false): boolean {
    return strict ? this.#takeInSpan(now, rate) : this.#takeToken(now, rate);
  }

  #takeToken(now: number, rate: number): boolean {
    const refill = ((now - this.#refilledAt) / 1000) * rate;
    this.#tokens = Math.min(rate, (this.#tokens ?? rate) + refill);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #takeInSpan(now: number, rate: number): boolean {
    this.#calls = this.#calls.filter((call) => call > now - 1000);
    if (this.#calls.length >= rate) return false;
    this.#calls.push(now);
    return true;
  }
}
