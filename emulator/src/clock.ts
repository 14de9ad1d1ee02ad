/**
 * The emulator's time: real time plus the time that a test has skipped. Everything that expires uses this clock, so
 * that a test does not wait twelve hours for a token to expire. Only signatures use real time, because the caller signs
 * with real time.
 */
export class Clock {
  #skippedMs = 0;
  readonly #onSkip = new Set<() => void>();

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#skippedMs;
  }

  /** Moves time forward. */
  skip(ms: number): void {
    this.#skippedMs += ms;
    for (const listener of this.#onSkip) listener();
  }

  /**
   * Calls `listener` after each skip. Code that waits on a real timer needs this, because a skip does not move timers.
   */
  onSkip(listener: () => void): void {
    this.#onSkip.add(listener);
  }

  /** Returns to real time. */
  reset(): void {
    this.#skippedMs = 0;
  }
}

/** A time as ISO 8601 text, the form of timestamps in requests and answers (service model). */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
