import { Interrupted } from './errors.ts';

/** Whether the program was told to stop. Long work that must put something in order asks for it. */
export class StopSignal {
  private told: NodeJS.Signals | undefined;
  private readonly hear = (signal: NodeJS.Signals) => {
    // The second time it stops at once.
    if (this.told) process.exit(130);
    this.told = signal;
    this.abort.abort();
  };
  private readonly abort = new AbortController();

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.hear);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  get hasCome(): boolean {
    return this.told !== undefined;
  }

  /** @throws Interrupted if the program was told to stop. */
  check(): void {
    if (this.told) throw new Interrupted(`Stopped by ${this.told}.`);
  }

  end(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.hear);
  }
}
