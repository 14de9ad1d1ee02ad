/**
 * The emulator's time: real time plus what a test has skipped. Everything that expires asks this clock, so that a test
 * need not wait twelve hours for a token to end. Signatures alone are checked by real time, as the caller makes them.
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

  /** Calls `listener` after each skip, for what waits on a real timer. */
  onSkip(listener: () => void): void {
    this.#onSkip.add(listener);
  }

  /** Back to real time. */
  reset(): void {
    this.#skippedMs = 0;
  }
}

/** ISO 8601 text, as timestamps travel (service model). */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
