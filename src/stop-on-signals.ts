import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from './redaction.ts';

/** What ends when the process is told to end. */
export interface Stoppable {
  /** Makes the service not ready. It goes on serving. */
  beginStopping(): void;
  /** Ends the requests that run, then the background work, then the connections to what the service uses. */
  close(): Promise<void>;
}

/** A stop may take so long after the drain, in milliseconds. Every call to Postgres and to IVS ends sooner. */
const closeWithinMs = 20_000;

/** Some terminals and wrappers send one Ctrl-C twice. A signal this soon after the first is no second signal. */
const sameSignalMs = 500;

/**
 * Ends the process on a signal. SIGTERM drains first: a load balancer notices only at its next check that the service is not
 * ready, and sends requests until then. The other signals come from a terminal, and do not drain.
 *
 * The exit code is 0, but 1 if a second signal or the time limit ended the process before it was done.
 */
export class StopOnSignals {
  private service: Stoppable | undefined;
  private drainMs = 0;
  private toldAt: number | undefined;

  constructor() {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      process.on(signal, () => this.onSignal(signal));
    }
  }

  /** Names what is stopped by a signal. Before that, a signal ends the process at once. */
  set(service: Stoppable, drainSeconds: number): void {
    this.service = service;
    this.drainMs = drainSeconds * 1_000;
  }

  private onSignal(signal: NodeJS.Signals): void {
    if (this.toldAt !== undefined) {
      if (performance.now() - this.toldAt > sameSignalMs) process.exit(1);
      return;
    }
    this.toldAt = performance.now();
    if (!this.service) process.exit(0);
    void this.stop(this.service, signal === 'SIGTERM' ? this.drainMs : 0);
  }

  private async stop(service: Stoppable, drainMs: number): Promise<void> {
    setTimeout(() => fail('The service did not stop in time.'), drainMs + closeWithinMs).unref();
    try {
      service.beginStopping();
      await delay(drainMs);
      await service.close();
      process.exit(0);
    } catch (error) {
      fail(messageOf(error));
    }
  }
}

function fail(message: string): never {
  process.stderr.write(`stagedoor: ${message}\n`);
  process.exit(1);
}
