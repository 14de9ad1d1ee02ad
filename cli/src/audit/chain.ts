/** The hash chain of the audit log, computed from what the API lists. */
import { createHash } from 'node:crypto';
import type { components } from '@stagedoor/client/server';

export type Entry = components['schemas']['AuditEntry'];

/** What was found about a chain. */
export interface Verdict {
  tenantId: string;
  /** Entries whose hash was computed and compared. */
  verified: number;
  /** Entries that are not in the chain yet. A running service adds them within about a second. */
  unsealed: number;
  /** The place and the hash of the newest entry in the chain; null: there is none. */
  head: Place | null;
  /** The place of the oldest entry that was there. Its predecessor is not, unless it is 1. */
  from: number | null;
  /** The first place where the chain is broken; undefined: it holds. */
  fault?: { seq: number; id?: string; problem: 'changed' | 'missing' };
}

/** A place of the chain and its hash, as somebody has stored them. */
export interface Place {
  seq: number;
  hash: string;
}

/**
 * The hash of an entry, in hexadecimal: SHA-256 of the hash before it and of the entry in the text form of Postgres' jsonb.
 * @param previous the hash of the entry before, in hexadecimal; null: it is the first.
 */
export function digest(tenantId: string, entry: Entry, previous: string | null): string {
  const { seq, id, at, caller, action, spaceId, userId, subject, details, requestId } = entry;
  const milliseconds = Date.parse(at);
  const time = new Verbatim(`${Math.floor(milliseconds / 1_000)}.${String(milliseconds % 1_000).padStart(3, '0')}`);
  const fields = [tenantId, seq, id, time, caller, action, spaceId, userId, subject, details, requestId];
  const text = `[${fields.map((field) => jsonb(field)).join(', ')}]`;
  return createHash('sha256')
    .update(Buffer.from(previous ?? '', 'hex'))
    .update(text, 'utf8')
    .digest('hex');
}

/** A number as it must be written. */
class Verbatim {
  constructor(readonly text: string) {}
}

/**
 * A value as Postgres writes jsonb: spaces behind commas and colons, and the keys of an object by their length in bytes, then by
 * their bytes.
 */
function jsonb(value: unknown): string {
  if (value instanceof Verbatim) return value.text;
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one) => jsonb(one)).join(', ')}]`;
  const entries = Object.entries(value).map(([key, one]) => ({ key, bytes: Buffer.from(key, 'utf8'), one }));
  entries.sort((a, b) => a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes));
  return `{${entries.map(({ key, one }) => `${quoted(key)}: ${jsonb(one)}`).join(', ')}}`;
}

/** JavaScript escapes a lone half of a pair of UTF-16; Postgres stores none. All other escapes are the same. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

/**
 * Verifies a chain from its newest entry to its oldest, as the API lists it. Entries of one moment may be listed in another
 * order than that of the chain, so those are kept whose predecessor has not come yet.
 */
export class ChainReader {
  private readonly waiting = new Map<number, Entry>();
  private readonly hashes = new Map<number, string>();
  private verified = 0;
  private unsealed = 0;
  private newest: Place | null = null;
  private hasSeenKnown = false;
  private oldest: number | null = null;
  private fault: Verdict['fault'];

  /** @param known an entry that was in the chain at some time, so that a removal of the newest entries is noticed. */
  constructor(
    private readonly tenantId: string,
    private readonly known?: Place,
  ) {}

  /** Takes the next entry of the list. */
  take(entry: Entry): void {
    const { seq, hash } = entry;
    if (seq === null || hash === null) {
      this.unsealed += 1;
      return;
    }
    if (this.newest === null || seq > this.newest.seq) this.newest = { seq, hash };
    this.oldest = Math.min(this.oldest ?? seq, seq);
    if (seq === this.known?.seq) {
      this.hasSeenKnown = true;
      if (hash !== this.known.hash) this.note({ seq, id: entry.id, problem: 'changed' });
    }
    this.waiting.set(seq, entry);
    this.hashes.set(seq, hash);
    this.compare(seq);
    this.compare(seq + 1);
  }

  /** Compares an entry with its predecessor, if both are there. */
  private compare(seq: number): void {
    const entry = this.waiting.get(seq);
    const previous = seq === 1 ? null : this.hashes.get(seq - 1);
    if (!entry || previous === undefined) return;
    this.waiting.delete(seq);
    this.hashes.delete(seq - 1);
    this.verified += 1;
    if (digest(this.tenantId, entry, previous) !== entry.hash) this.note({ seq, id: entry.id, problem: 'changed' });
  }

  private note(fault: NonNullable<Verdict['fault']>): void {
    if (this.fault === undefined || fault.seq < this.fault.seq) this.fault = fault;
  }

  /** The result, when the list has ended. */
  end(): Verdict {
    // Only the oldest entry may wait: what came before it is not listed.
    for (const seq of this.waiting.keys()) if (seq !== this.oldest) this.note({ seq: seq - 1, problem: 'missing' });
    if (this.known && !this.hasSeenKnown) this.note({ seq: this.known.seq, problem: 'missing' });
    return {
      tenantId: this.tenantId,
      verified: this.verified,
      unsealed: this.unsealed,
      head: this.newest,
      from: this.oldest,
      ...(this.fault && { fault: this.fault }),
    };
  }
}
