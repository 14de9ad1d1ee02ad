import { hash, randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import { Settings } from '../config.ts';
import { Problem, rateLimited } from '../errors.ts';
import { isGlobalAddress } from '../outgoing/addresses.ts';
import { Allowances } from '../outgoing/allowances.ts';
import { currentRequest, type Stranger } from '../request-context.ts';
import { Metrics } from '../telemetry/metrics.ts';

/** Largest number of addresses that a replica keeps, for each of its limits. Each takes some hundred bytes. */
const mostAddresses = 100_000;

/** Largest number of good credentials that a replica remembers. */
const mostProven = 50_000;

/** A token that is refused without a look-up costs less, so an address may send so many times as many. */
const timesCheaper = 10;

/** The part of a request by which its address is found. Fastify's requests have it. */
export interface Sender {
  /** The address of the client: with TRUSTED_PROXIES, the one that the proxy names. */
  ip: string;
  headers: Record<string, string | string[] | undefined>;
  socket: { remoteAddress?: string | undefined };
}

/** Takes a payment back. */
type GiveBack = () => void;

/**
 * Limits what those may cost who are not known yet, by their address: look-ups of unknown keys, issuers, spaces and tenants,
 * and signatures that do not fit. Each replica counts by itself and asks nobody.
 *
 * Whoever is known costs their address nothing: a credential that was good on this replica pays from an allowance of its
 * own. Of a new one, only what costs as much as a bad one can be refused
 * ([why](../../docs/decisions/0043-limits-of-our-own.md)).
 */
@Injectable()
export class Strangers {
  private readonly logger = new Logger(Strangers.name);
  private readonly lookUps: Allowances;
  private readonly signatures: Allowances;
  private readonly visits: Allowances;
  /** Digests of credentials that were good. With `max` it would take the memory of all at the start. */
  private readonly proven = new LRUCache<string, true>({ maxSize: mostProven, sizeCalculation: () => 1 });
  /** Addresses and credentials are hashed with it, so that a dump of the memory does not tell them. */
  private readonly salt = randomBytes(16).toString('base64');
  private readonly perMinute: number;
  private hasWarned = false;

  constructor(
    settings: Settings,
    private readonly metrics: Metrics,
  ) {
    this.perMinute = settings.failuresPerAddressPerMinute;
    const allow = (atOnce: number) => new Allowances({ atOnce, everyMs: 60_000 / atOnce, most: mostAddresses });
    this.lookUps = allow(this.perMinute);
    this.signatures = allow(this.perMinute * timesCheaper);
    this.visits = allow(this.perMinute);
  }

  /**
   * Finds out who sends a request. What `authenticate` looks up and verifies meanwhile is paid for by the address, or by the
   * credential if it was good before. A good one gets it back.
   * @param credential what the sender proves with who they are.
   * @param refuseUsedUp throws if a tenant may ask for nothing more now. By default none is asked about.
   * @throws Problem `rate_limited` if too much has failed; else what `authenticate` throws.
   */
  async meet<T>(
    sender: Sender,
    credential: string,
    authenticate: () => Promise<T>,
    refuseUsedUp: (tenantId: string) => void = () => undefined,
  ): Promise<T> {
    const current = currentRequest();
    if (!current) return await authenticate();
    let known: string | undefined;
    const digest = () => (known ??= this.hashOf(`credential ${credential}`));
    const payFrom = (from: Allowances, policy: string, times: number) => {
      const name = this.proven.has(digest()) ? digest() : this.nameOf(sender);
      return this.pay(from, name, policy, times);
    };
    const attempt = new Attempt(
      () => payFrom(this.lookUps, 'look-ups', 1),
      () => payFrom(this.signatures, 'signatures', timesCheaper),
      refuseUsedUp,
    );
    current.stranger = attempt;
    try {
      const result = await authenticate();
      if (attempt.succeeded()) this.proven.set(digest(), true);
      return result;
    } catch (error) {
      if (attempt.failed(error)) this.proven.delete(digest());
      throw error;
    } finally {
      delete current.stranger;
    }
  }

  /** Counts a request to sign in, for which things are looked up before anybody is known. @throws Problem `rate_limited` */
  visit(sender: Sender): void {
    this.pay(this.visits, this.nameOf(sender), 'sign-ins', 1);
  }

  /** Number of addresses and credentials that are kept. */
  get names(): number {
    return this.lookUps.names + this.signatures.names + this.visits.names + this.proven.size;
  }

  private pay(from: Allowances, name: string | undefined, policy: string, times: number): GiveBack {
    if (name === undefined) return () => undefined;
    const now = performance.now();
    const waitMs = from.nextAt(name) - now;
    if (waitMs > 0) {
      this.metrics.limited.inc({ limit: 'address' });
      throw rateLimited(tooMany, {
        policy,
        quota: this.perMinute * times,
        windowSeconds: 60,
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
      });
    }
    from.take(name, now);
    return () => from.giveBack(name);
  }

  /**
   * The name under which an address is kept; undefined: nobody knows it, because a proxy stands in between that
   * TRUSTED_PROXIES does not name. All people would else share one allowance, and anybody could use it up.
   */
  private nameOf({ ip, headers, socket }: Sender): string | undefined {
    const isOfProxy = headers['x-forwarded-for'] !== undefined && ip === socket.remoteAddress;
    if (!isOfProxy || isGlobalAddress(ip)) return this.hashOf(networkOf(ip));
    if (!this.hasWarned) this.logger.warn(unnamedProxy);
    this.hasWarned = true;
    return undefined;
  }

  private hashOf(text: string): string {
    return hash('sha256', this.salt + text, 'base64url').slice(0, 22);
  }
}

/** What was paid for a request until it is known who sends it. */
class Attempt implements Stranger {
  private lookedUp: GiveBack | undefined;
  private verified: GiveBack | undefined;
  private hasMissed = false;

  constructor(
    private readonly payLookUp: () => GiveBack,
    private readonly paySignature: () => GiveBack,
    readonly verifyFor: (tenantId: string) => void,
  ) {}

  lookUp(): void {
    this.lookedUp ??= this.payLookUp();
  }

  verify(): void {
    this.verified ??= this.paySignature();
  }

  missed(): void {
    this.hasMissed = true;
  }

  /** Gives back what a good credential has paid. Answers whether it was checked. */
  succeeded(): boolean {
    this.verified?.();
    if (!this.hasMissed) this.lookedUp?.();
    return this.lookedUp !== undefined || this.verified !== undefined;
  }

  /** Gives back what was paid if the failure is none of the credential. Answers whether it is one. */
  failed(error: unknown): boolean {
    const isTheirs = error instanceof Problem && (error.status === 401 || error.status === 404);
    if (isTheirs && this.lookedUp) this.verified?.(); // one failure is paid for once
    if (isTheirs) return true;
    this.verified?.();
    this.lookedUp?.();
    return false;
  }
}

const tooMany =
  'Too many requests from this address came with credentials, spaces or tenants that are not known. Nothing was looked up. Try again later.';

const unnamedProxy =
  'Requests come through a proxy that TRUSTED_PROXIES does not name, so the addresses of clients are not known. Nothing is limited by address.';

/** The network of an address that belongs to one customer of a provider: an IPv4 address, or the /64 of an IPv6 address. */
export function networkOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip); // turns an IPv4 address written as IPv6 into IPv4
  return address instanceof ipaddr.IPv6 ? address.parts.slice(0, 4).join(':') : address.toString();
}
