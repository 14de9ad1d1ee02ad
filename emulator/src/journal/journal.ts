/** One call as it was received and answered. */
export interface JournalEntry {
  /** Counts up from 1. */
  id: number;
  /** When it was received, ISO 8601, by the emulator's clock. */
  at: string;
  /** `ivs`, `ivschat`, `sts`, or `chat` for what came over a chat connection. */
  service: string;
  /** The operation, or method and path when there is no such operation. */
  operation: string;
  account?: string;
  region?: string;
  accessKeyId?: string;
  requestId: string;
  /** The input after validation; absent when it did not get that far. Tokens in answers are not kept. */
  input?: unknown;
  /** HTTP status, or the chat error code; 0 when the connection was cut or never answered. */
  status: number;
  /** Name of the error answered. */
  error?: string;
  /** Id of the fault that struck. */
  fault?: number;
  durationMs: number;
}

/** What to find in the journal. */
export interface JournalQuery {
  operation?: string;
  account?: string;
  region?: string;
  /** Only entries after this id. */
  after?: number;
  /** At most this many, the newest. */
  limit?: number;
}

const KEPT = 10_000;

/** The last ten thousand calls, so that a test can ask what the code under test did. */
export class Journal {
  #entries: JournalEntry[] = [];
  #lastId = 0;

  add(entry: Omit<JournalEntry, 'id'>): void {
    this.#lastId += 1;
    this.#entries.push({ id: this.#lastId, ...entry });
    // Trimmed by halves: shifting one off at each call would move the whole array each time.
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  /** Matching entries, oldest first. */
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
