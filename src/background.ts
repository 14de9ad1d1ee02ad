import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';

/**
 * Work that a service does by itself, over and over. Every replica runs it: what it does must be safe to do twice at
 * once. A failed run is logged and the next one tries again.
 */
export abstract class BackgroundWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  /** Milliseconds from the end of one run to the beginning of the next. */
  protected abstract readonly everyMs: number;

  /** One run. */
  abstract run(): Promise<void>;

  onApplicationBootstrap(): void {
    this.schedule();
  }

  /** Ends before the connections to what it needs are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.run()
        .catch((error: unknown) => {
          new Logger(this.constructor.name).warn({ err: error }, 'background work failed; it will be tried again');
        })
        .then(() => this.schedule());
    }, this.everyMs);
    this.timer.unref();
  }
}
