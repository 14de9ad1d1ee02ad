import { postJson } from '../post.ts';
import type { Clock } from '../clock.ts';
import type { EventBridgeEvent } from './envelope.ts';

/** The delivery of one copy of an event to one target. */
export interface Delivery {
  url: string;
  state: 'waiting' | 'delivered' | 'lost' | 'given-up';
  /** How often the copy was sent. */
  attempts: number;
  /** The HTTP status of the last answer. */
  status?: number;
  /** Why the last attempt got no answer. */
  error?: string;
}

/** The defaults of EventBridge (AWS docs): how long a target may take to answer, and when retries end. */
const TIMEOUT_MS = 5000;
const MAX_ATTEMPTS = 185;
const MAX_RETRY_MS = 24 * 3600_000;
/**
 * AWS does not document the pauses between attempts. Here each pause is twice the one before: a short outage costs
 * little time, and a long one costs few requests.
 */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 600_000;
/** Limits the memory that the events for an unreachable target take. */
const MAX_WAITING = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** The longest delay that setTimeout accepts. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Waiting {
  event: EventBridgeEvent;
  delivery: Delivery;
  /** When to send the event, in milliseconds since 1970, by the emulator's clock. */
  at: number;
  /** When the event was added. */
  since: number;
}

/** The events that wait for one target. It sends one at a time. An event that fails waits, and the next one is sent. */
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

  /**
   * Adds an event to be sent at a given time. Events of the same time are sent in the order in which they were added.
   */
  add(event: EventBridgeEvent, delivery: Delivery, at: number): void {
    if (this.#waiting.length >= MAX_WAITING) {
      delivery.state = 'given-up';
      delivery.error = `${MAX_WAITING} events wait already`;
      return;
    }
    this.#insert({ event, delivery, at, since: this.#clock.now() });
  }

  /** Sends the next event if its time has come. Otherwise it sets a timer. While a request is open, it does nothing. */
  run(): void {
    clearTimeout(this.#timer);
    const [next] = this.#waiting;
    if (this.#sending || !next || this.#stopped.signal.aborted) return;
    const wait = next.at - this.#clock.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.run(), Math.min(wait, MAX_TIMER_MS)).unref();
      return;
    }
    this.#waiting.shift();
    this.#sending = true;
    void this.#send(next).then(() => {
      this.#sending = false;
      this.run();
    });
  }

  /** Drops all events and cancels the open request. */
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
      const options = { timeoutMs: TIMEOUT_MS, maxAnswerBytes: MAX_ANSWER_BYTES, headers: this.headers, signal };
      delivery.status = (await postJson(this.url, event, options)).status;
    } catch (error) {
      delivery.error = (error as Error).message;
    }
    if (delivery.status !== undefined && delivery.status < 300) delivery.state = 'delivered';
    else if (!isRetried(delivery.status)) delivery.state = 'given-up';
    else this.#retry(waiting);
  }

  #retry(waiting: Waiting): void {
    const { delivery, since } = waiting;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (delivery.attempts - 1), MAX_PAUSE_MS);
    const at = this.#clock.now() + pause;
    if (delivery.attempts >= MAX_ATTEMPTS || at - since > MAX_RETRY_MS) delivery.state = 'given-up';
    else this.#insert({ ...waiting, at });
  }

  #insert(waiting: Waiting): void {
    const index = this.#waiting.findLastIndex((other) => other.at <= waiting.at) + 1;
    this.#waiting.splice(index, 0, waiting);
    this.run();
  }
}

/**
 * Whether a failed delivery is repeated. API destinations repeat it after no answer, 5xx and four other statuses (AWS
 * docs).
 */
function isRetried(status: number | undefined): boolean {
  return status === undefined || status >= 500 || [401, 407, 409, 429].includes(status);
}
