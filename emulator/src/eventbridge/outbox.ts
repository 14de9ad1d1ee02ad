import { postJson } from '../post.ts';
import type { Clock } from '../clock.ts';
import type { EventBridgeEvent } from './envelope.ts';

/** One copy of an event on its way to one target. */
export interface Delivery {
  url: string;
  state: 'waiting' | 'delivered' | 'lost' | 'given-up';
  /** How often it was sent. */
  attempts: number;
  /** What the target answered last: an HTTP status, or why there was none. */
  status?: number;
  error?: string;
}

/** As EventBridge has it by default (AWS docs): a target's time to answer, and the end of retrying. */
const TIMEOUT_MS = 5000;
const MOST_ATTEMPTS = 185;
const LONGEST_RETRY_MS = 24 * 3600_000;
/** AWS gives no figures for the pauses. They double, so that a target soon back soon hears, and 24 hours stay cheap. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 600_000;
/** A target that is never there must not fill the memory. */
const MOST_WAITING = 10_000;
const LARGEST_ANSWER_BYTES = 1024 * 1024;
/** setTimeout takes no more than this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

interface Waiting {
  event: EventBridgeEvent;
  delivery: Delivery;
  /** When to send it, milliseconds since 1970 by the emulator's clock. */
  at: number;
  since: number;
}

/** What one target is still to hear. Sends one event after the other; one that fails makes room for the next. */
export class Outbox {
  readonly url: string;
  headers: Record<string, string>;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #sending = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopped = new AbortController();

  constructor(clock: Clock, url: string, headers: Record<string, string>) {
    this.#clock = clock;
    this.url = url;
    this.headers = headers;
  }

  /** Takes an event to be sent at a time; events of the same time go in the order they came. */
  add(event: EventBridgeEvent, delivery: Delivery, at: number): void {
    if (this.#waiting.length >= MOST_WAITING) {
      delivery.state = 'given-up';
      delivery.error = `${MOST_WAITING} events wait already`;
      return;
    }
    this.#insert({ event, delivery, at, since: this.#clock.now() });
  }

  /** Sends what is due, now or as soon as the event before it has been answered. */
  run(): void {
    clearTimeout(this.#timer);
    const [next] = this.#waiting;
    if (this.#sending || !next || this.#stopped.signal.aborted) return;
    const wait = next.at - this.#clock.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.run(), Math.min(wait, LONGEST_TIMER_MS)).unref();
      return;
    }
    this.#waiting.shift();
    this.#sending = true;
    void this.#send(next).then(() => {
      this.#sending = false;
      this.run();
    });
  }

  /** Drops everything, and ends what is under way. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#stopped.abort();
  }

  async #send(waiting: Waiting): Promise<void> {
    const { delivery, event } = waiting;
    const { signal } = this.#stopped;
    delivery.attempts += 1;
    delete delivery.error;
    delete delivery.status;
    try {
      const limits = { timeoutMs: TIMEOUT_MS, answerBytes: LARGEST_ANSWER_BYTES, headers: this.headers, signal };
      delivery.status = (await postJson(this.url, event, limits)).status;
    } catch (error) {
      delivery.error = (error as Error).message;
    }
    if (delivery.status !== undefined && delivery.status < 300) delivery.state = 'delivered';
    else if (!isRetried(delivery.status)) delivery.state = 'given-up';
    else this.#retry(waiting);
  }

  #retry(waiting: Waiting): void {
    const { delivery, since } = waiting;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (delivery.attempts - 1), LONGEST_PAUSE_MS);
    const at = this.#clock.now() + pause;
    if (delivery.attempts >= MOST_ATTEMPTS || at - since > LONGEST_RETRY_MS) delivery.state = 'given-up';
    else this.#insert({ ...waiting, at });
  }

  #insert(waiting: Waiting): void {
    const index = this.#waiting.findLastIndex((other) => other.at <= waiting.at) + 1;
    this.#waiting.splice(index, 0, waiting);
    this.run();
  }
}

/** API destinations try again after no answer, 5xx, and these four (AWS docs). */
function isRetried(status: number | undefined): boolean {
  return status === undefined || status >= 500 || [401, 407, 409, 429].includes(status);
}
