import { isHttpUrl } from '../post.ts';
import type { Clock } from '../clock.ts';
import { type DetailType, envelope, type EventBridgeEvent } from './envelope.ts';
import { type Delivery, Outbox } from './outbox.ts';

/** An HTTP endpoint that gets events, as an API destination of an EventBridge rule does. */
export interface EventTarget {
  url: string;
  /** Headers of each request, for example the API key of the target. */
  headers?: Record<string, string>;
  /** Sends only the events of this account. */
  account?: string;
  /** Sends only the events of this Region. */
  region?: string;
}

/**
 * Where events go, and how unreliable their delivery is. EventBridge promises best effort only (AWS docs).
 * Probabilities are 0 to 1.
 */
export interface EventSettings {
  targets: EventTarget[];
  /** The probability that an event is never delivered. */
  lost: number;
  /** The probability that an event is delivered twice, with the same id. */
  doubled: number;
  /** The probability that an event is delivered after the next event, or a second later if there is no next event. */
  reordered: number;
  /** The probability that an event is delivered late. */
  late: number;
  /** How late, in seconds of the emulator's clock. */
  lateSeconds: number;
  /** With the same seed, the same events are lost, doubled, reordered and late, counted from when it is set. */
  seed?: number;
}

/** An event, and the delivery of each copy of it. */
export interface SentEvent {
  event: EventBridgeEvent;
  deliveries: Delivery[];
}

const DEFAULT_SETTINGS: Readonly<EventSettings> = {
  targets: [],
  lost: 0,
  doubled: 0,
  reordered: 0,
  late: 0,
  lateSeconds: 60,
};

const MAX_EVENTS_KEPT = 1000;
const HELD_BACK_MS = 1000;

/** The default event bus of every account and Region. It takes the events of IVS only. */
export class EventBus {
  readonly #clock: Clock;
  readonly #unseeded: () => number;
  #random: () => number;
  #settings: EventSettings = { ...DEFAULT_SETTINGS };
  #outboxes = new Map<string, Outbox>();
  #heldBack = new Map<string, () => void>();
  #sent: SentEvent[] = [];

  /** @param random Returns numbers in [0, 1). */
  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#unseeded = random;
    this.#random = random;
    clock.onSkip(() => this.#runAll());
  }

  get settings(): Readonly<EventSettings> {
    return this.#settings;
  }

  /** Changes the settings that are given. A target whose URL stays still gets the events that wait for it. */
  change(changes: Partial<EventSettings>): void {
    Object.assign(this.#settings, changes);
    if (changes.seed !== undefined) this.#random = seeded(changes.seed);
    const { targets } = this.#settings;
    const before = this.#outboxes;
    this.#outboxes = new Map(
      targets.map(({ url, headers = {} }) => {
        const outbox = before.get(url) ?? new Outbox(this.#clock, url, headers);
        outbox.headers = headers;
        return [url, outbox];
      }),
    );
    for (const [url, outbox] of before) if (!this.#outboxes.has(url)) outbox.stop();
  }

  /** The last thousand events, oldest first. Events that no target asked for are included. */
  get sent(): readonly SentEvent[] {
    return this.#sent.slice(-MAX_EVENTS_KEPT);
  }

  /** Sends an event to the targets. Returns at once and never waits for a target. */
  emit(
    source: { account: string; region: string },
    type: DetailType,
    resource: string,
    detail: EventBridgeEvent['detail'],
  ): void {
    const event = envelope(source, { at: this.#clock.now(), type, resource, detail });
    const sent: SentEvent = { event, deliveries: [] };
    this.#sent.push(sent);
    if (this.#sent.length > 2 * MAX_EVENTS_KEPT) this.#sent = this.#sent.slice(-MAX_EVENTS_KEPT);
    for (const target of this.#settings.targets) {
      if (target.account !== undefined && target.account !== event.account) continue;
      if (target.region !== undefined && target.region !== event.region) continue;
      this.#sendTo(target.url, sent);
    }
  }

  /** Drops events that wait, deletes the list of events and returns the settings to their defaults. */
  reset(): void {
    this.stop();
    this.#settings = { ...DEFAULT_SETTINGS };
    this.#random = this.#unseeded;
    this.#sent = [];
  }

  stop(): void {
    for (const outbox of this.#outboxes.values()) outbox.stop();
    this.#outboxes.clear();
    this.#heldBack.clear();
  }

  #sendTo(url: string, { event, deliveries }: SentEvent): void {
    const { lost, doubled, reordered, late, lateSeconds } = this.#settings;
    if (this.#happens(lost)) {
      deliveries.push({ url, state: 'lost', attempts: 0 });
      return;
    }
    const at = this.#clock.now() + (this.#happens(late) ? lateSeconds * 1000 : 0);
    const send = () => {
      for (const delivery of copies) this.#outboxes.get(url)?.add(event, delivery, at);
    };
    const copies: Delivery[] = Array.from({ length: this.#happens(doubled) ? 2 : 1 }, () => ({
      url,
      state: 'waiting',
      attempts: 0,
    }));
    deliveries.push(...copies);
    const release = this.#heldBack.get(url);
    if (!release && this.#happens(reordered)) {
      this.#holdBack(url, send);
      return;
    }
    send();
    release?.();
  }

  /** Holds an event back until the next one has been sent, or for a second if there is no next one. */
  #holdBack(url: string, send: () => void): void {
    const release = () => {
      clearTimeout(timer);
      if (this.#heldBack.get(url) !== release) return;
      this.#heldBack.delete(url);
      send();
    };
    const timer = setTimeout(release, HELD_BACK_MS).unref();
    this.#heldBack.set(url, release);
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  #runAll(): void {
    for (const outbox of this.#outboxes.values()) outbox.run();
  }
}

const MAX_SEED = 2 ** 32 - 1;

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PROBABILITIES = ['lost', 'doubled', 'reordered', 'late'] as const;

/** Says in one line what is wrong with changed settings. Returns `undefined` for correct settings. */
export function eventSettingsProblem(changes: Record<string, unknown>): string | undefined {
  for (const name of Object.keys(changes)) {
    if (!Object.hasOwn(DEFAULT_SETTINGS, name) && name !== 'seed') return `events have no setting ${name}`;
  }
  for (const name of PROBABILITIES) {
    const probability = changes[name];
    const isValid = typeof probability === 'number' && probability >= 0 && probability <= 1;
    if (probability !== undefined && !isValid) {
      return `${name} must be a probability from 0 to 1`;
    }
  }
  const { lateSeconds, targets, seed } = changes;
  if (seed !== undefined && !(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) <= MAX_SEED)) {
    return `seed must be a whole number from 0 to ${MAX_SEED}`;
  }
  if (lateSeconds !== undefined && !(typeof lateSeconds === 'number' && lateSeconds >= 0 && lateSeconds <= 86_400)) {
    return 'lateSeconds must be 0 to 86400';
  }
  if (targets === undefined) return undefined;
  if (!Array.isArray(targets)) return 'targets must be a list';
  return targets.map((target) => targetProblem(target)).find((problem) => problem !== undefined);
}

function targetProblem(target: unknown): string | undefined {
  if (typeof target !== 'object' || target === null) return 'a target must be an object with a url';
  const { url, headers = {}, account, region, ...rest } = target as Record<string, unknown>;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return `a target has no member ${unknown}`;
  if (!isHttpUrl(url)) return 'the url of a target must begin with http:// or https://';
  if (typeof headers !== 'object' || headers === null) return 'the headers of a target must be an object';
  const texts = [...Object.values(headers as object), account ?? '', region ?? ''];
  if (texts.some((text) => typeof text !== 'string')) return 'headers, account and region of a target must be text';
  return undefined;
}
