/** Counts what a page has open. It is put into the page before any script of the page runs. */
export interface Counts {
  sockets: number;
  timers: number;
  listeners: number;
  /** WebSockets that were ever made. */
  madeSockets: number;
}

/** Runs in the page: it may use nothing of this module. */
export function countOpenThings(): void {
  const sockets = new Set<WebSocket>();
  const timers = new Set<unknown>();
  let listeners = 0;
  let madeSockets = 0;

  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      madeSockets++;
      sockets.add(this);
      super.addEventListener('close', () => sockets.delete(this));
    }
  };

  for (const [set, clear] of [
    ['setTimeout', 'clearTimeout'],
    ['setInterval', 'clearInterval'],
  ] as const) {
    const [begin, end] = [globalThis[set].bind(globalThis), globalThis[clear].bind(globalThis)];
    const wrapped = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const id = begin(() => {
        if (set === 'setTimeout') timers.delete(id);
        run(...args);
      }, ms);
      timers.add(id);
      return id;
    };
    Object.assign(globalThis, {
      [set]: wrapped,
      [clear]: (id: Parameters<typeof end>[0]) => {
        timers.delete(id);
        end(id);
      },
    });
  }

  for (const target of [globalThis, document]) {
    const known = new Map<string, Set<unknown>>();
    const { addEventListener, removeEventListener } = target;
    Object.assign(target, {
      addEventListener(type: string, listener: never, options?: never) {
        const all = known.get(type) ?? new Set();
        known.set(type, all);
        if (!all.has(listener)) listeners++;
        all.add(listener);
        addEventListener.call(target, type, listener, options);
      },
      removeEventListener(type: string, listener: never, options?: never) {
        if (known.get(type)?.delete(listener)) listeners--;
        removeEventListener.call(target, type, listener, options);
      },
    });
  }

  Object.assign(globalThis, {
    counts: () => ({ sockets: sockets.size, timers: timers.size, listeners, madeSockets }),
  });
}
