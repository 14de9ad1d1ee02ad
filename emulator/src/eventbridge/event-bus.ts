import { isHttpUrl } from '../post.ts';
import type { Clock } from '../clock.ts';
import { type DetailType, envelope, type EventBridgeEvent } from './envelope.ts';
import { type Delivery, Outbox } from './outbox.ts';

/** Where events are POSTed to, as by a rule with an API destination. */
export interface EventTarget {
  url: string;
  /** Sent along, such as the key the target asks for. */
  headers?: Record<string, string>;
  /** Only events of this account, or Region. */
  account?: string;
  region?: string;
}

/** EventBridge delivers IVS's events as well as it can (AWS docs). This is how badly: chances are 0 to 1. */
export interface EventSettings {
  targets: EventTarget[];
  /** The chance that an event never comes. */
  lost: number;
  /** The chance that it comes twice, with the same id. */
  doubled: number;
  /** The chance that it comes after the next one; without a next one, a second later. */
  reordered: number;
  /** The chance that it comes late, and by how many seconds of the emulator's clock. */
  late: number;
  lateSeconds: number;
}

/** An event that happened, and what became of each copy of it. */
export interface SentEvent {
  event: EventBridgeEvent;
  deliveries: Delivery[];
}

const UNDISTURBED: Readonly<EventSettings> = {
  targets: [],
  lost: 0,
  doubled: 0,
  reordered: 0,
  late: 0,
  lateSeconds: 60,
};

const KEPT = 1000;
const HELD_BACK_MS = 1000;

/** The default event bus of every account and Region, as far as IVS talks to it. */
export class EventBus {
  readonly #clock: Clock;
  readonly #random: () => number;
  #settings: EventSettings = { ...UNDISTURBED };
  #outboxes = new Map<string, Outbox>();
  #heldBack = new Map<string, () => void>();
  #sent: SentEvent[] = [];

  /** @param random Numbers in [0, 1). */
  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
    clock.onSkip(() => this.#runAll());
  }

  get settings(): Readonly<EventSettings> {
    return this.#settings;
  }

  /** Changes what is given. A target that stays, by its address, still gets what it was to get. */
  change(wish: Partial<EventSettings>): void {
    Object.assign(this.#settings, wish);
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

  /** The last thousand events, oldest first, whether or not there was anybody to tell. */
  get sent(): readonly SentEvent[] {
    return this.#sent.slice(-KEPT);
  }

  /** Something happened. Returns at once; who is told when is another matter. */
  emit(
    where: { account: string; region: string },
    type: DetailType,
    resource: string,
    detail: EventBridgeEvent['detail'],
  ): void {
    const event = envelope(where, { at: this.#clock.now(), type, resource, detail });
    const sent: SentEvent = { event, deliveries: [] };
    this.#sent.push(sent);
    if (this.#sent.length > 2 * KEPT) this.#sent = this.#sent.slice(-KEPT);
    for (const target of this.#settings.targets) {
      if (target.account !== undefined && target.account !== event.account) continue;
      if (target.region !== undefined && target.region !== event.region) continue;
      this.#tell(target.url, sent);
    }
  }

  /** Drops what is on its way, and forgets what happened and how to disturb it. */
  reset(): void {
    this.stop();
    this.#settings = { ...UNDISTURBED };
    this.#sent = [];
  }

  stop(): void {
    for (const outbox of this.#outboxes.values()) outbox.stop();
    this.#outboxes.clear();
    this.#heldBack.clear();
  }

  #tell(url: string, { event, deliveries }: SentEvent): void {
    const { lost, doubled, reordered, late, lateSeconds } = this.#settings;
    if (this.#strikes(lost)) {
      deliveries.push({ url, state: 'lost', attempts: 0 });
      return;
    }
    const at = this.#clock.now() + (this.#strikes(late) ? lateSeconds * 1000 : 0);
    const send = () => {
      for (const delivery of copies) this.#outboxes.get(url)?.add(event, delivery, at);
    };
    const copies: Delivery[] = Array.from({ length: this.#strikes(doubled) ? 2 : 1 }, () => ({
      url,
      state: 'waiting',
      attempts: 0,
    }));
    deliveries.push(...copies);
    const release = this.#heldBack.get(url);
    if (!release && this.#strikes(reordered)) {
      this.#holdBack(url, send);
      return;
    }
    send();
    release?.();
  }

  /** Keeps an event until the next one has gone ahead of it, or nothing came for a second. */
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

  #strikes(chance: number): boolean {
    return chance > 0 && this.#random() < chance;
  }

  #runAll(): void {
    for (const outbox of this.#outboxes.values()) outbox.run();
  }
}

const CHANCES = ['lost', 'doubled', 'reordered', 'late'] as const;

/** What is wrong with a wish for settings, as one line; `undefined` when nothing is. */
export function eventSettingsProblem(wish: Record<string, unknown>): string | undefined {
  for (const name of Object.keys(wish)) {
    if (!Object.hasOwn(UNDISTURBED, name)) return `events have no setting ${name}`;
  }
  for (const name of CHANCES) {
    const chance = wish[name];
    if (chance !== undefined && !(typeof chance === 'number' && chance >= 0 && chance <= 1)) {
      return `${name} must be a chance, 0 to 1`;
    }
  }
  const { lateSeconds, targets } = wish;
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
