import type { Clock } from '../clock.ts';

/** A change that happens by itself at a given time. It is plain data, so that it can be kept across a restart. */
export interface ScheduledChange {
  /** When it happens, in milliseconds since 1970, by the emulator's clock. */
  at: number;
  what:
    | 'composition-starts'
    | 'composition-idles'
    | 'composition-stops'
    | 'composition-ends'
    | 'recording-starts'
    | 'recording-ends'
    | 'replication-lapses'
    | 'session-ends'
    | 'token-expires';
  account: string;
  region: string;
  /** The resource that changes. */
  arn: string;
  participantId?: string;
}

/** The longest delay that setTimeout accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs each change when its time comes. They run in the order of their times, even if a test skips past many of them.
 */
export class Schedule {
  #waiting: ScheduledChange[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #clock: Clock;
  readonly #run: (change: ScheduledChange) => void;

  constructor(clock: Clock, run: (change: ScheduledChange) => void) {
    this.#clock = clock;
    this.#run = run;
    clock.onSkip(() => this.catchUp());
  }

  add(change: ScheduledChange): void {
    this.#waiting.push(change);
    this.#waiting.sort((a, b) => a.at - b.at);
    this.#setTimer();
  }

  /** Removes the changes of one kind that wait for a resource. */
  cancel(what: ScheduledChange['what'], arn: string, participantId?: string): void {
    this.#waiting = this.#waiting.filter(
      (change) => change.what !== what || change.arn !== arn || change.participantId !== participantId,
    );
    this.#setTimer();
  }

  /** Runs all changes whose time has come. */
  catchUp(): void {
    let next = this.#waiting[0];
    while (next && next.at <= this.#clock.now()) {
      this.#waiting.shift();
      this.#run(next);
      next = this.#waiting[0];
    }
    this.#setTimer();
  }

  get waiting(): ScheduledChange[] {
    return this.#waiting;
  }

  set waiting(waiting: ScheduledChange[]) {
    this.#waiting = waiting;
    this.#setTimer();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const next = this.#waiting[0];
    if (!next) return;
    const wait = Math.min(Math.max(next.at - this.#clock.now(), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.catchUp(), wait).unref();
  }
}
