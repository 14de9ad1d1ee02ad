/**
 * A step back of more than this is one of the clock of the database, in milliseconds. A reading that took as long tells of no
 * step: the database read its clock at some moment of it, so half of it is doubt.
 */
const stepMs = 1_000;

/** A replica whose own clock is wrong by more than this is not ready, in seconds. */
export const mostSkewSeconds = 30;

/** A reading of the clock of the database. Times of this process are in milliseconds of `performance.now()`. */
export interface ClockReading {
  askedAt: number;
  answeredAt: number;
  /** What the clock of the database said, in milliseconds since 1970. */
  databaseMs: number;
}

/**
 * The clock of the database, which all replicas share. Whatever depends on the time of day is decided by it: the clock of a
 * replica may be wrong. Between two readings it goes on by a clock that only goes forward.
 */
export class DatabaseClock {
  private databaseMs = Date.now();
  private readAt = performance.now();
  /** The last reading that could tell of a step. */
  private quick: { databaseMs: number; readAt: number } | undefined;
  private stepsBackCount = 0;

  now(): Date {
    return new Date(this.databaseMs + performance.now() - this.readAt);
  }

  /** Seconds by which the clock of this replica is ahead of the database; negative if it is behind. */
  get skewSeconds(): number {
    return (Date.now() - this.now().getTime()) / 1_000;
  }

  /** How many times the clock of the database was seen to be set back. */
  get stepsBack(): number {
    return this.stepsBackCount;
  }

  /** Sets the clock by the best of some readings. */
  set(readings: ClockReading[]): void {
    const best = bestOf(readings);
    if (!best) return;
    const readAt = (best.askedAt + best.answeredAt) / 2;
    this.databaseMs = best.databaseMs;
    this.readAt = readAt;
    if (best.answeredAt - best.askedAt >= stepMs) return;
    const { quick } = this;
    if (quick && best.databaseMs < quick.databaseMs + readAt - quick.readAt - stepMs) this.stepsBackCount += 1;
    this.quick = { databaseMs: best.databaseMs, readAt };
  }
}

/**
 * The reading that tells most: of the half with the shortest round trips, the median. The database read its clock at some
 * moment of the round trip, so a short one leaves little doubt, and a single odd one does not count.
 */
function bestOf(readings: ClockReading[]): ClockReading | undefined {
  const shortest = readings
    .toSorted((a, b) => a.answeredAt - a.askedAt - (b.answeredAt - b.askedAt))
    .slice(0, Math.ceil(readings.length / 2));
  const offset = ({ askedAt, answeredAt, databaseMs }: ClockReading) => databaseMs - (askedAt + answeredAt) / 2;
  return shortest.toSorted((a, b) => offset(a) - offset(b))[Math.floor(shortest.length / 2)];
}

/** Reads the clock of the database some times, one after the other. */
export async function readClock(
  query: (sql: string) => Promise<{ rows: { ms: number }[] }>,
  times = 5,
): Promise<ClockReading[]> {
  const readings: ClockReading[] = [];
  while (readings.length < times) {
    const askedAt = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- readings at the same time would delay each other
    const { rows } = await query(`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`);
    readings.push({ askedAt, answeredAt: performance.now(), databaseMs: rows[0]?.ms ?? Number.NaN });
  }
  return readings;
}
