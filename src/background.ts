import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';

/**
 * Work that the service repeats by itself. Every replica runs it, so two runs at the same time must do no harm. A failed
 * run is logged and counted, and the next run tries again. What a run passes over because it failed goes to `partFailed`:
 * such a run succeeds, so nothing else would show it.
 */
export abstract class BackgroundWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private succeededAt = performance.now();
  private failed = 0;

  /** Milliseconds from the end of one run to the start of the next. */
  protected abstract readonly everyMs: number;

  abstract run(): Promise<void>;

  onApplicationBootstrap(): void | Promise<void> {
    this.schedule();
  }

  /** Seconds since a run last succeeded, or since the start of the process. */
  get secondsSinceSuccess(): number {
    return (performance.now() - this.succeededAt) / 1000;
  }

  /** Milliseconds from now to the start of the next run. Work that is in the middle of something may rest for less. */
  protected get restMs(): number {
    return this.everyMs;
  }

  /** Seconds from the end of one run to the start of the next. */
  get secondsBetweenRuns(): number {
    return this.everyMs / 1000;
  }

  /** Failures since the start of the process: of runs, and of parts that a run has passed over. */
  get failures(): number {
    return this.failed;
  }

  /** Waits for the current run, so that it ends before the database pool and the AWS clients are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** What the timer begins. */
  protected async runOnTime(): Promise<void> {
    await this.run();
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.runNow(), this.restMs);
    this.timer.unref();
  }

  /** Begins a run, after which the next ones follow. Never fails. */
  protected async runNow(): Promise<void> {
    this.running = this.runOnce().then(() => this.schedule());
    await this.running;
  }

  /** Never fails. */
  protected async runOnce(): Promise<void> {
    try {
      await this.runOnTime();
      this.succeededAt = performance.now();
    } catch (error) {
      this.partFailed(error, 'A background run failed. The next run tries again.');
    }
  }

  /** Logs and counts a failure that the work goes on after. @param about what was being worked on, for the log. */
  protected partFailed(error: unknown, text: string, about: object = {}, level: 'warn' | 'error' = 'warn'): void {
    this.countFailure();
    new Logger(this.constructor.name)[level]({ ...about, err: error }, text);
  }

  /** Counts a failure that was logged before, and lasts. */
  protected countFailure(): void {
    this.failed++;
  }
}

/**
 * Background work in steps. A run starts the steps that are due and does not wait for them, so a slow one does not delay the
 * others. A stop waits for them.
 */
export abstract class SteppedWork extends BackgroundWork {
  private readonly steps = new Set<Promise<void>>();

  /** Number of steps that this replica takes now. */
  protected get stepsNow(): number {
    return this.steps.size;
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    await Promise.all(this.steps);
  }

  /** @param step a step that has begun. It never fails. */
  protected hold(step: Promise<void>): void {
    const held = step.finally(() => this.steps.delete(held));
    this.steps.add(held);
  }
}

/**
 * Background work that goes over everything from time to time, in small steps: a pass. A run is one step, and a rest of twice its
 * time follows: so a pass takes a third of one connection, and no request waits for more than one step.
 */
export abstract class WorkInPasses extends BackgroundWork {
  protected readonly everyMs = 2_000;
  /** Time between the beginnings of two passes, in milliseconds. */
  protected abstract readonly passMs: number;
  private current: AsyncGenerator<void> | undefined;
  private nextPassAt = 0;
  private stepMs = 0;

  /** One pass. It yields after each step. */
  protected abstract pass(): AsyncGenerator<void>;

  protected override get restMs(): number {
    return this.current ? 2 * this.stepMs : this.everyMs;
  }

  async run(): Promise<void> {
    const began = performance.now();
    if (!this.current) {
      if (began < this.nextPassAt) return;
      this.current = this.pass();
      this.nextPassAt = began + this.passMs;
    }
    const { done } = await this.current.next();
    if (done) this.current = undefined;
    this.stepMs = performance.now() - began;
  }

  /** Makes a whole pass at once. */
  async runWhole(): Promise<void> {
    const pass = this.pass();
    while (!(await pass.next()).done);
  }
}
