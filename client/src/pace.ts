/** When the next request may be made: the budget, the backoff, and waiting that knows of sleep and of being offline. */

/** A burst of four, then one each six seconds: over any two minutes that is at most one request in five seconds. */
const burst = 4;
const refillMs = 6_000;

/** While the browser says that it is offline, one attempt is made this often: browsers err about it. */
const offlineAttemptMs = 60_000;

/** Timers stand still while a computer sleeps. Waiting looks at the clock at least this often, in milliseconds. */
const lookMs = 15_000;

const firstBackoffMs = 1_000;
const longestBackoffMs = 60_000;

/** What a client may still send. Every request takes one unit first, whatever it is for. */
export class Budget {
  private units = burst;
  private countedAt: number;

  constructor(private readonly now: () => number) {
    this.countedAt = now();
  }

  /** Takes a unit. Returns 0, or the milliseconds until there is one; then nothing was taken. */
  take(): number {
    const now = this.now();
    // A clock that was set back gives nothing; counting goes on from the new time.
    const passed = Math.max(0, now - this.countedAt);
    this.units = Math.min(burst, this.units + passed / refillMs);
    this.countedAt = now;
    if (this.units >= 1) {
      this.units -= 1;
      return 0;
    }
    return Math.ceil((1 - this.units) * refillMs);
  }
}

/**
 * Milliseconds to wait after the attempt with this number, which is 0 for the first: between half and all of a length that
 * doubles, and not less than what the service asked for.
 */
export function backoffMs(attempt: number, retryAfterSeconds = 0): number {
  const longest = Math.min(longestBackoffMs, firstBackoffMs * 2 ** attempt);
  const jittered = longest * (0.5 + Math.random() / 2);
  // Many clients are told the same time. They come spread over a part of it.
  const asked = retryAfterSeconds * 1_000 * (1 + Math.random() / 4);
  return Math.max(jittered, asked);
}

/** Events after which the clock has perhaps jumped, or the network is back. */
const wakeUps = ['online', 'pageshow', 'focus', 'resume', 'visibilitychange'] as const;

/** Calls a function whenever the page wakes up or comes online. Outside of browsers that never happens. */
function onWakeUp(listener: (name: string) => void): () => void {
  const scope = globalThis as Partial<Pick<Window, 'addEventListener' | 'removeEventListener' | 'document'>>;
  const hear = (event: Event) => listener(event.type);
  const targets = [scope, scope.document];
  for (const target of targets) for (const name of wakeUps) target?.addEventListener?.(name, hear);
  return () => {
    for (const target of targets) for (const name of wakeUps) target?.removeEventListener?.(name, hear);
  };
}

/**
 * Waits until a time of the clock `now`, also across sleep, and ends early when the signal aborts.
 * @param endsOnline true: the wait ends too when the network comes back.
 */
export function waitUntil(
  time: number,
  now: () => number,
  { endsOnline = false, signal }: { endsOnline?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // It only gets shorter, also if the clock is set back meanwhile.
    let left = Infinity;
    const end = () => {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const look = () => {
      clearTimeout(timer);
      left = Math.min(left, time - now());
      if (left <= 0 || signal?.aborted) return end();
      const nap = Math.min(left, lookMs);
      timer = setTimeout(() => {
        left -= nap;
        look();
      }, nap);
    };
    const stop = onWakeUp((name) => (endsOnline && name === 'online' ? end() : look()));
    signal?.addEventListener('abort', end);
    look();
  });
}

function isOffline(): boolean {
  return (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false;
}

/** Waits while the browser says that it is offline; ends early when the signal aborts. */
export async function untilOnline(now: () => number, signal: AbortSignal, onOffline: () => void): Promise<void> {
  if (!isOffline()) return;
  onOffline();
  await waitUntil(now() + offlineAttemptMs, now, { endsOnline: true, signal });
}
