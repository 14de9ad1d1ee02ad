/** What a load test counts and measures. */

/** The median and the 99th percentile of lengths, in milliseconds; null: there was none. */
export interface Lengths {
  count: number;
  p50Ms: number | null;
  p99Ms: number | null;
  mostMs: number | null;
}

/** The percentiles by the nearest rank. */
export function lengthsOf(lengths: readonly number[]): Lengths {
  const sorted = lengths.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
    return value === undefined ? null : Math.round(value * 10) / 10;
  };
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), mostMs: at(1) };
}

/** Why a load test ended. */
export type End = 'users' | 'seconds' | 'errors' | 'stopped';

/** The result of a load test. `vends.asked` is the sum of `vends.given`, of all `vends.refused` and of all `vends.errors`. */
export interface Figures {
  endedBy: End;
  seconds: number;
  space: string;
  vends: {
    asked: number;
    given: number;
    /** Answers of the service that say no, by their code. */
    refused: Record<string, number>;
    /** No answer, or one that says that the service cannot: 429 and 5xx, by their code. */
    errors: Record<string, number>;
    /** Requests that began late, because too many were under way. */
    late: number;
    answered: Lengths;
  };
  bans: {
    made: number;
    errors: Record<string, number>;
    answered: Lengths;
    /** From the ban until the last connection was gone, by the clock of the service. */
    silent: Lengths;
    /** Bans after which this was not known when the test ended. */
    notSilent: number;
    /** Banned users who asked again, and were refused for the ban. */
    refusedAfterwards: number;
    /** Banned users who asked again, and got tokens. There must be none. */
    admittedAfterwards: number;
  };
}

/** Counts by a name. */
export class Counts {
  private readonly counts = new Map<string, number>();

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toObject(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
