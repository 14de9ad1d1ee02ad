import type { Clock } from '../clock.ts';
import { Bucket } from './bucket.ts';
import { awsRate } from './limits.ts';

/** How call rates are enforced. `Bucket` explains the difference between `on` and `strict`. */
export type RateMode = 'on' | 'strict' | 'off';

/** Counts calls against the rate of their operation, for each account and Region. */
export class Rates {
  mode: RateMode;
  readonly #clock: Clock;
  readonly #overrides = new Map<string, number>();
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, mode: RateMode) {
    this.#clock = clock;
    this.mode = mode;
  }

  /** The calls a second that an operation may have. */
  rateOf(service: string, operation: string): number {
    return this.#overrides.get(operation) ?? awsRate(service, operation);
  }

  /** The rates that differ from AWS's, by operation. */
  get overrides(): Record<string, number> {
    return Object.fromEntries(this.#overrides);
  }

  /** Gives an operation another rate than AWS's. */
  set(operation: string, perSecond: number): void {
    this.#overrides.set(operation, perSecond);
  }

  /** Counts one call. Returns `false` when the call exceeds the rate of its operation. */
  take(account: string, region: string, service: string, operation: string): boolean {
    if (this.mode === 'off') return true;
    const key = `${account}/${region}/${service}/${operation}`;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = new Bucket();
      this.#buckets.set(key, bucket);
    }
    return bucket.take(this.#clock.now(), this.rateOf(service, operation), this.mode === 'strict');
  }

  /** Deletes the counts, and returns every operation to the rate of AWS. */
  reset(): void {
    this.#buckets.clear();
    this.#overrides.clear();
  }
}
