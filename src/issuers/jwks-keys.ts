import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Problem } from '../errors.ts';
import { fetchJwks, type FetchOptions } from './fetch-jwks.ts';
import type { PublicKey } from './public-keys.ts';

/** In the long run one fetch in this time, whatever tokens come and however fetches end. */
export const fetchEveryMs = 30_000;

/** Two fetches may lie this close once, so that a key rotated right after a fetch is known within 5 seconds. */
export const fetchGapMs = 3_000;

/** Keys older than this are fetched anew while they still serve. */
const refreshAfterMs = 5 * 60_000;

/** Keys older than this serve only after a try to fetch them: with the cache of tokens, a removed key is gone in 10 min. */
const insistAfterMs = 9 * 60_000;

/** Keys serve this long when they cannot be fetched any more. */
const staleForMs = 24 * 3_600_000;

/** More than there will be; a tenant has at most a hundred. */
const maxSources = 10_000;

export interface JwksKeysOptions extends FetchOptions {
  /** A clock in milliseconds that only goes forward. */
  now?: () => number;
  /** Is told of each fetch. */
  onFetched?: (result: 'ok' | 'failed') => void;
}

/** What is known of one JWKS. */
interface Source {
  uri: string;
  keys: readonly PublicKey[] | undefined;
  fetchedAt: number;
  startedAt: number;
  /** When the fetches so far are paid for, at one in `fetchEveryMs`. */
  paidUntil: number;
  failure: unknown;
  inFlight: Promise<void> | undefined;
}

/**
 * The keys behind the JWKS URLs of the issuers, fetched when needed and no more often than a flood of tokens with made-up
 * key ids, or an endpoint that is down, should be able to cause.
 */
export class JwksKeys {
  private readonly logger = new Logger(JwksKeys.name);
  private readonly now: () => number;
  // By tenant: a tenant that names another's URL must not use up the other's fetches.
  private readonly sources = new LRUCache<string, Source>({ max: maxSources });

  constructor(private readonly options: JwksKeysOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * Picks from the keys at `uri`. If that finds nothing, the keys may have been rotated: they are fetched anew, if the
   * last fetch was not just now, and picked from again.
   *
   * @throws Problem `unavailable` if the keys were never fetched, or not for a day.
   */
  async find<Found>(tenantId: string, uri: string, pick: (keys: readonly PublicKey[]) => Found[]): Promise<Found[]> {
    const source = this.sourceOf(tenantId, uri);
    const found = pick(await this.current(source));
    if (found.length > 0 || !(await this.refresh(source))) return found;
    return pick(source.keys ?? []);
  }

  private async current(source: Source): Promise<readonly PublicKey[]> {
    const age = this.now() - source.fetchedAt;
    if (source.keys && age < insistAfterMs) {
      if (age > refreshAfterMs) void this.refresh(source);
      return source.keys;
    }
    await this.refresh(source);
    if (source.keys && this.now() - source.fetchedAt < staleForMs) return source.keys;
    throw new Problem('unavailable', 'The keys of the issuer of this token cannot be fetched. Try again later.', {
      retryAfterSeconds: Math.max(1, Math.ceil((nextFetchAt(source) - this.now()) / 1_000)),
      cause: source.failure,
    });
  }

  /** Fetches the keys if that is due, or waits for the fetch under way. Says whether there was one; never throws. */
  private async refresh(source: Source): Promise<boolean> {
    if (!source.inFlight) {
      const now = this.now();
      if (now < nextFetchAt(source)) return false;
      source.startedAt = now;
      source.paidUntil = Math.max(source.paidUntil, now) + fetchEveryMs;
      source.inFlight = this.fetch(source).finally(() => (source.inFlight = undefined));
    }
    await source.inFlight;
    return true;
  }

  private async fetch(source: Source): Promise<void> {
    try {
      source.keys = await fetchJwks(source.uri, this.options);
      source.fetchedAt = this.now();
      source.failure = undefined;
      this.options.onFetched?.('ok');
    } catch (error) {
      source.failure = error;
      this.options.onFetched?.('failed');
      const { host } = new URL(source.uri);
      const ageMinutes = Math.round((this.now() - source.fetchedAt) / 60_000);
      const instead = source.keys ? `those of ${ageMinutes} minutes ago serve meanwhile` : 'there are none to use';
      this.logger.warn({ host, err: error }, `The keys at ${host} cannot be fetched; ${instead}`);
    }
  }

  private sourceOf(tenantId: string, uri: string): Source {
    const name = `${tenantId}\n${uri}`;
    const known = this.sources.get(name);
    if (known) return known;
    const source: Source = {
      uri,
      keys: undefined,
      fetchedAt: -Infinity,
      startedAt: -Infinity,
      paidUntil: -Infinity,
      failure: undefined,
      inFlight: undefined,
    };
    this.sources.set(name, source);
    return source;
  }
}

function nextFetchAt(source: Source): number {
  return Math.max(source.startedAt + fetchGapMs, source.paidUntil - fetchEveryMs);
}
