import { Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { DatabaseClock } from '../database/database-clock.ts';
import { Problem } from '../errors.ts';
import { Allowances } from '../outgoing/allowances.ts';
import type { OutgoingOptions } from '../outgoing/resolve.ts';
import { fetchJwks } from './fetch-jwks.ts';
import { faultOf, type KeyFault, keyFaults } from './key-faults.ts';
import type { PublicKey } from './public-keys.ts';

/** On average at most one fetch of a JWKS in this time, in milliseconds, whatever tokens arrive. */
export const fetchEveryMs = 30_000;

/** Minimum time between two fetches of a JWKS, in milliseconds. It lets a key that was rotated right after a fetch be known within 5 s. */
export const fetchGapMs = 3_000;

/**
 * Number of fetches that a tenant may make at once: one for each of its issuers. After that it gets another one in each
 * `tenantFetchEveryMs`. Without this limit, a tenant that registers, uses and deletes issuers could cause any number.
 */
export const tenantFetches = 100;

/** Time in which a tenant gets another fetch, in milliseconds: a hundred issuers are refreshed every five minutes. */
export const tenantFetchEveryMs = 3_000;

/** Keys older than this, in milliseconds, are used, and fetched again in the background. */
const refreshAfterMs = 5 * 60_000;

/**
 * Keys older than this, in milliseconds, are used only after an attempt to fetch them. `UserTokens` remembers tokens for
 * one more minute. So a removed key is refused after 10 minutes.
 */
const fetchFirstAfterMs = 9 * 60_000;

/** If fetches fail, the last keys are used until they are this old, in milliseconds. */
const unusableAfterMs = 24 * 3_600_000;

/** A good fetch is told again after this time, in milliseconds, so that everybody sees when the last one was. */
const tellEveryMs = 4 * 60_000;

/** Maximum number of JWKS in memory. A tenant has at most a hundred. */
const maxSources = 10_000;

/** Maximum size of all JWKS in memory, in bytes: about. */
const maxSourcesBytes = 64 * 1024 * 1024;

/** Size of a JWKS in memory without its keys, and of one key of the largest kind, in bytes: about. */
const sourceBytes = 1_000;
const keyBytes = 4_000;

/** Options of `JwksKeys`. */
export interface JwksKeysOptions extends OutgoingOptions {
  /** The clock of the database, for the time that callers see. */
  clock: Pick<DatabaseClock, 'now'>;
  /** A clock in milliseconds that only goes forward. */
  now?: () => number;
  /** Called after each fetch. */
  onFetched?: (result: 'ok' | 'failed') => void;
  /** Called after a fetch that found another thing than the one before, and from time to time. */
  onFound?: (tenantId: string, uri: string, found: FoundKeys) => void;
}

/** What the last fetches from a JWKS URL found. */
export interface FoundKeys {
  /** Number of keys that can be used; undefined: no fetch has succeeded. */
  usable: number | undefined;
  fetchedAt: Date | undefined;
  /** Undefined: the last fetch was good, or there was none. */
  fault: KeyFault | undefined;
}

/** The state of one JWKS of one tenant. Times are in milliseconds of the clock. */
interface Source {
  name: string;
  tenantId: string;
  uri: string;
  keys: readonly PublicKey[] | undefined;
  /** Time of the last successful fetch. */
  fetchedAt: number;
  /** Time at which the last fetch was started. */
  startedAt: number;
  /** Each fetch adds `fetchEveryMs` to this time. A fetch must wait if the time is more than one such step ahead. */
  paidUntil: number;
  failure: unknown;
  fault: KeyFault | undefined;
  fetchedDate: Date | undefined;
  /** What was told last, and when. */
  told: { fault: KeyFault | undefined; usable: number | undefined; at: number } | undefined;
  inFlight: Promise<void> | undefined;
}

/**
 * Fetches and keeps the keys at the JWKS URLs of issuers. The number of fetches is limited, whether a flood of tokens has
 * invented key ids or the server of the issuer is down.
 */
export class JwksKeys {
  private readonly logger = new Logger(JwksKeys.name);
  private readonly now: () => number;
  // One entry for each tenant and URL. So a tenant with the URL of another tenant cannot use up the other's fetches.
  private readonly sources = new LRUCache<string, Source>({ max: maxSources, maxSize: maxSourcesBytes });
  /** Fetches of each tenant. */
  private readonly tenants = new Allowances({ atOnce: tenantFetches, everyMs: tenantFetchEveryMs, most: maxSources });

  constructor(private readonly options: JwksKeysOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /**
   * Picks keys from those at `uri`. If `pick` finds none, the issuer may have rotated its keys. Then the keys are fetched
   * again, if the limit allows a fetch now, and `pick` runs once more.
   *
   * @throws Problem `unavailable` if the keys could never be fetched, or not for a day.
   */
  async find<Found>(tenantId: string, uri: string, pick: (keys: readonly PublicKey[]) => Found[]): Promise<Found[]> {
    const source = this.sourceOf(tenantId, uri);
    const found = pick(await this.current(source));
    if (found.length > 0 || !(await this.refresh(source))) return found;
    return pick(source.keys ?? []);
  }

  /**
   * Fetches the keys again if the limit allows it, and picks from them; none if it does not. Call it if none of the keys
   * that `find` has picked fits a signature.
   */
  async findAgain<Found>(
    tenantId: string,
    uri: string,
    pick: (keys: readonly PublicKey[]) => Found[],
  ): Promise<Found[]> {
    const source = this.sourceOf(tenantId, uri);
    return (await this.refresh(source)) ? pick(source.keys ?? []) : [];
  }

  /** Tries a JWKS URL once, if the limit allows it, and says what it has found by now. Never throws. */
  async look(tenantId: string, uri: string): Promise<FoundKeys> {
    const source = this.sourceOf(tenantId, uri);
    await this.refresh(source);
    return foundAt(source);
  }

  private async current(source: Source): Promise<readonly PublicKey[]> {
    const age = this.now() - source.fetchedAt;
    if (source.keys && age < fetchFirstAfterMs) {
      if (age > refreshAfterMs) void this.refresh(source);
      if (source.fault !== 'no_usable_key') return source.keys;
    }
    await this.refresh(source);
    const isUsable = source.keys && this.now() - source.fetchedAt < unusableAfterMs;
    if (source.keys && isUsable && source.fault !== 'no_usable_key') return source.keys;
    const because = source.fault ? `: ${keyFaults[source.fault]}` : '';
    throw new Problem('unavailable', `The keys of the issuer of this token cannot be had${because}. Try again later.`, {
      retryAfterSeconds: Math.max(1, Math.ceil((this.nextFetchAt(source) - this.now()) / 1_000)),
      cause: source.failure,
    });
  }

  /** Fetches the keys if the limit allows it, or waits for a running fetch. Answers whether a fetch ran. Never throws. */
  private async refresh(source: Source): Promise<boolean> {
    if (!source.inFlight) {
      const now = this.now();
      if (now < this.nextFetchAt(source)) return false;
      this.tenants.take(source.tenantId, now);
      source.startedAt = now;
      source.paidUntil = Math.max(source.paidUntil, now) + fetchEveryMs;
      source.inFlight = this.fetch(source).finally(() => (source.inFlight = undefined));
    }
    await source.inFlight;
    return true;
  }

  private async fetch(source: Source): Promise<void> {
    try {
      const { keys, served } = await fetchJwks(source.uri, this.options);
      source.keys = keys;
      source.fetchedAt = this.now();
      source.fetchedDate = this.options.clock.now();
      source.failure = undefined;
      // A set without any key is good: a provider withdraws all keys with it.
      source.fault = keys.length === 0 && served > 0 ? 'no_usable_key' : undefined;
      // Sets it again, so that its size counts.
      if (this.sources.peek(source.name) === source) {
        this.sources.set(source.name, source, { size: sourceBytes + keyBytes * source.keys.length });
      }
      this.options.onFetched?.('ok');
    } catch (error) {
      source.failure = error;
      source.fault = faultOf(error);
      this.options.onFetched?.('failed');
    }
    this.tell(source);
  }

  /** Logs what a fetch found, once for each change, and passes it on, from time to time without a change too. */
  private tell(source: Source): void {
    const { fault, told } = source;
    const usable = source.keys?.length;
    if (fault !== told?.fault) {
      const { host } = new URL(source.uri);
      const ageMinutes = Math.round((this.now() - source.fetchedAt) / 60_000);
      const instead = source.keys ? `Keys from ${ageMinutes} minutes ago are used.` : 'No earlier keys are known.';
      if (fault === undefined) this.logger.log({ host }, `The keys at ${host} can be fetched again.`);
      else this.logger.warn({ host, fault, err: source.failure }, `The keys at ${host} cannot be fetched. ${instead}`);
    }
    const isNews = !told || told.fault !== fault || told.usable !== usable;
    if (!isNews && (fault !== undefined || this.now() - told.at < tellEveryMs)) return;
    source.told = { fault, usable, at: this.now() };
    this.options.onFound?.(source.tenantId, source.uri, foundAt(source));
  }

  private sourceOf(tenantId: string, uri: string): Source {
    const name = `${tenantId}\n${uri}`;
    const known = this.sources.get(name);
    if (known) return known;
    const source: Source = {
      name,
      tenantId,
      uri,
      keys: undefined,
      fetchedAt: -Infinity,
      startedAt: -Infinity,
      paidUntil: -Infinity,
      failure: undefined,
      fault: undefined,
      fetchedDate: undefined,
      told: undefined,
      inFlight: undefined,
    };
    this.sources.set(name, source, { size: sourceBytes });
    return source;
  }

  /** Earliest time of the next fetch. */
  private nextFetchAt({ tenantId, startedAt, paidUntil }: Source): number {
    return Math.max(startedAt + fetchGapMs, paidUntil - fetchEveryMs, this.tenants.nextAt(tenantId));
  }
}

function foundAt({ keys, fetchedDate, fault }: Source): FoundKeys {
  return { usable: keys?.length, fetchedAt: fetchedDate, fault };
}
