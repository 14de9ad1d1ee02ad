/**
 * A connection that the components of a page share. It is open while at least one of them looks at it.
 *
 * Opening and closing happen in a microtask. React's strict mode ends each effect and begins it again in the same turn, and a
 * component may leave in the turn in which another one comes: neither opens a second connection.
 */
export abstract class Session<View> {
  readonly #listeners = new Set<() => void>();
  readonly #nothing: View;
  #view: View;
  #open: AbortController | undefined;

  constructor(nothing: View) {
    this.#nothing = nothing;
    this.#view = nothing;
  }

  /** Looks at the session: it opens, and calls the listener after each change. Returns the function that ends this. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener(); // the same function may look twice
    this.#listeners.add(own);
    queueMicrotask(() => this.#follow());
    return () => {
      this.#listeners.delete(own);
      queueMicrotask(() => this.#follow());
    };
  };

  /** What a component shows. A new object after each change. */
  readonly getView = (): View => this.#view;

  /** What a server renders. */
  readonly getServerView = (): View => this.#nothing;

  /** Opens the connection. The signal aborts when nobody looks any more: then everything that was begun ends. */
  protected abstract open(signal: AbortSignal): void;

  protected change(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }

  #follow(): void {
    const isWanted = this.#listeners.size > 0;
    if (isWanted === (this.#open !== undefined)) return;
    if (isWanted) {
      this.#open = new AbortController();
      this.open(this.#open.signal);
    } else {
      this.#open?.abort();
      this.#open = undefined;
      this.#view = this.#nothing;
    }
  }
}
