import { LRUCache } from 'lru-cache';

export interface AllowanceOptions {
  /** How often it may be done at once. */
  atOnce: number;
  /** After so much time it may be done once more, in milliseconds. */
  everyMs: number;
  /** Number of names that are kept. */
  most: number;
}

/** How often a replica may do something for each of some names. Times are in milliseconds of one clock that only goes forward. */
export class Allowances {
  /** Until when each name has paid: each time costs `everyMs`. */
  private readonly paidUntil: LRUCache<string, number>;

  constructor(private readonly options: AllowanceOptions) {
    // With `max` it would take the memory of all names at the start.
    this.paidUntil = new LRUCache({ maxSize: options.most, sizeCalculation: () => 1 });
  }

  /** The earliest time at which it may be done for a name. */
  nextAt(name: string): number {
    return (this.paidUntil.get(name) ?? -Infinity) - (this.options.atOnce - 1) * this.options.everyMs;
  }

  /** Notes that it is done for a name now. */
  take(name: string, now: number): void {
    this.paidUntil.set(name, Math.max(this.paidUntil.get(name) ?? -Infinity, now) + this.options.everyMs);
  }

  /** Takes back one `take` for a name. */
  giveBack(name: string): void {
    const until = this.paidUntil.get(name);
    if (until !== undefined) this.paidUntil.set(name, until - this.options.everyMs);
  }

  /** Number of names that are kept. */
  get names(): number {
    return this.paidUntil.size;
  }
}
