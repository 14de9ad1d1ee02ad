import type { Clock } from '../clock.ts';

/** Something that will happen by itself. Plain data, so that it survives a restart. */
export interface Due {
  /** Milliseconds since 1970, by the emulator's clock. */
  at: number;
  what:
    | 'composition-starts'
    | 'composition-idles'
    | 'composition-stops'
    | 'composition-ends'
    | 'recording-starts'
    | 'recording-ends'
    | 'replication-lapses'
    | 'token-expires';
  account: string;
  region: string;
  /** The resource it happens to. */
  arn: string;
  participantId?: string;
}

/** setTimeout takes no more than this many milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs things when their time comes, in order, also when a test skips time past many of them at once. */
export class Schedule {
  #waiting: Due[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #clock: Clock;
  readonly #run: (due: Due) => void;

  constructor(clock: Clock, run: (due: Due) => void) {
    this.#clock = clock;
    this.#run = run;
    clock.onSkip(() => this.catchUp());
  }

  add(due: Due): void {
    this.#waiting.push(due);
    this.#waiting.sort((a, b) => a.at - b.at);
    this.#setTimer();
  }

  /** Drops what is waiting for a resource. */
  cancel(what: Due['what'], arn: string, participantId?: string): void {
    this.#waiting = this.#waiting.filter(
      (due) => due.what !== what || due.arn !== arn || due.participantId !== participantId,
    );
    this.#setTimer();
  }

  /** Runs all whose time has come. */
  catchUp(): void {
    let next = this.#waiting[0];
    while (next && next.at <= this.#clock.now()) {
      this.#waiting.shift();
      this.#run(next);
      next = this.#waiting[0];
    }
    this.#setTimer();
  }

  get waiting(): Due[] {
    return this.#waiting;
  }

  set waiting(waiting: Due[]) {
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
    const wait = Math.min(Math.max(next.at - this.#clock.now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.catchUp(), wait).unref();
  }
}
