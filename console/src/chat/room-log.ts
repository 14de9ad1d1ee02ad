/** The newest messages of a room, as many as a person can look at. What came before them is not kept. */

/** The most lines that are kept. */
export const mostLines = 500;

export interface Message {
  kind: 'message';
  /** Id of the message at IVS. */
  id: string;
  /** The user id that IVS knows: the tenant's own one, or a pseudonym. */
  sender: string;
  /** What the sender is called, where their attributes say it. */
  name: string;
  /** Whether somebody at the console has written it. */
  isOfConsole: boolean;
  text: string;
  /** ISO 8601. */
  at: string;
  isDeleted: boolean;
}

/** A time without a connection. Amazon IVS keeps no messages, so nobody can read what was written then. */
export interface Gap {
  kind: 'gap';
  id: string;
  /** ISO 8601, both. */
  from: string;
  to: string;
}

export type Line = Message | Gap;

export interface LogView {
  lines: readonly Line[];
  /** How many messages have come since the reader began to look at older ones. */
  waiting: number;
  /** Whether the lines stand still, because the reader looks at older ones. */
  isHeld: boolean;
}

/** Keeps `mostLines` lines. While a reader looks at older lines, theirs stand still, and the newest ones wait. */
export class RoomLog {
  #newest: Line[] = [];
  /** Ids of the newest lines. */
  #ids = new Set<string>();
  #held: Line[] | undefined;
  #waiting = 0;
  #view: LogView = { lines: [], waiting: 0, isHeld: false };
  #isOld = false;

  /** A line that is there already is left out: two connections, one after the other, may both bring it. */
  add(line: Line): void {
    if (this.#ids.has(line.id)) return;
    this.#ids.add(line.id);
    this.#newest.push(line);
    // Many at a time, because what is taken from the front of an array moves the rest.
    if (this.#newest.length > 2 * mostLines) {
      this.#newest = this.#newest.slice(-mostLines);
      this.#ids = new Set(this.#newest.map(({ id }) => id));
    }
    if (this.#held) this.#waiting += 1;
    this.#isOld = true;
  }

  /** Marks a message as deleted. One that is not kept any more stays forgotten. */
  markDeleted(id: string): void {
    for (const lines of [this.#newest, this.#held ?? []]) {
      const at = lines.findIndex((line) => line.id === id);
      const line = lines[at];
      if (line?.kind === 'message') lines[at] = { ...line, isDeleted: true };
    }
    this.#isOld = true;
  }

  /** Lets the lines stand still. */
  hold(): void {
    this.#held ??= this.#newest.slice(-mostLines);
    this.#isOld = true;
  }

  /** Shows the newest lines again. */
  follow(): void {
    this.#held = undefined;
    this.#waiting = 0;
    this.#isOld = true;
  }

  /** The same object, until something has changed. */
  get view(): LogView {
    if (this.#isOld) {
      const lines = this.#held ? [...this.#held] : this.#newest.slice(-mostLines);
      this.#view = { lines, waiting: this.#waiting, isHeld: this.#held !== undefined };
      this.#isOld = false;
    }
    return this.#view;
  }
}
