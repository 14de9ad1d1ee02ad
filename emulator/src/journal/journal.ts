/** One call and its answer. */
export interface JournalEntry {
  /** Counts up from 1. */
  id: number;
  /** When the call was received, in ISO 8601, by the emulator's clock. */
  at: string;
  /** `ivs`, `ivschat` or `sts`; `chat` for a request over a chat connection. */
  service: string;
  /** The name of the operation. When no operation matches: the HTTP method and the path. */
  operation: string;
  account?: string;
  region?: string;
  accessKeyId?: string;
  requestId: string;
  /**
   * The input after validation. It is absent when the call failed before. Outputs are not kept, because they hold
   * tokens.
   */
  input?: unknown;
  /**
   * The HTTP status or the chat error code. It is 0 when a fault cut the connection or left the call without an answer.
   */
  status: number;
  /** The name of the error in the answer. */
  error?: string;
  /** The id of the fault that struck the call. */
  fault?: number;
  durationMs: number;
}

/** Which entries to find. An entry must meet all conditions that are given. */
export interface JournalQuery {
  operation?: string;
  account?: string;
  region?: string;
  /** Only entries with a larger id. */
  after?: number;
  /** At most this many entries: the newest ones. */
  limit?: number;
}

const KEPT = 10_000;

/** The last ten thousand calls. A test reads them to see what the code under test did. */
export class Journal {
  #entries: JournalEntry[] = [];
  #lastId = 0;

  add(entry: Omit<JournalEntry, 'id'>): void {
    this.#lastId += 1;
    this.#entries.push({ id: this.#lastId, ...entry });
    // The array is cut once in ten thousand calls. Removing the first entry at each call would move all others each
    // time.
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  /** The entries that match, oldest first. */
  find(query: JournalQuery = {}): JournalEntry[] {
    const { operation, account, region, after = 0, limit = KEPT } = query;
    const matching = this.#entries
      .slice(-KEPT)
      .filter(
        (entry) =>
          entry.id > after &&
          (operation === undefined || entry.operation === operation) &&
          (account === undefined || entry.account === account) &&
          (region === undefined || entry.region === region),
      );
    return matching.slice(-limit);
  }

  clear(): void {
    this.#entries = [];
  }
}
