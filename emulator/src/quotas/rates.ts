import type { Clock } from '../clock.ts';
import { Bucket } from './bucket.ts';
import { awsRate } from './limits.ts';

/** How call rates are held; see `Bucket` for what `strict` adds. */
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

  /** Calls a second granted to an operation. */
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

  /** Takes one call from the operation's share; `false` when there is none left. */
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

  /** Forgets the counts and the rates that were set. */
  reset(): void {
    this.#buckets.clear();
    this.#overrides.clear();
  }
}
