/** Where a test file runs: in the realm of its worker, not in one of its own. runtime.mjs says why. */
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { atEndOfFile } from './end-of-file.mjs';

// A worker that has nothing left to do ends at once. It takes its heap of two gigabytes apart otherwise, and jest, which waits
// for half a second, then speaks of tests that leak.
if (process.send) process.once('beforeExit', () => process.exit());

export default class WorkersRealm {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimers = null;
  fakeTimersModern;

  /** What files that run later in this worker must find as this one found it. */
  #globals = Object.getOwnPropertyDescriptors(globalThis);
  #exit = process.exit;
  #env = { ...process.env };

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup() {
    // Jest maps the lines of what it has compiled. Here Node compiles, and maps.
    Error.prepareStackTrace = undefined;
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    // Globals that came with a package stay: the package stays, too. The tests of the file were kept under this symbol.
    for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
      if (symbol.description === 'JEST_STATE_SYMBOL') delete globalThis[symbol];
    }
    Object.defineProperties(globalThis, this.#globals);
    process.exit = this.#exit;
    for (const name of Object.keys(process.env)) if (!(name in this.#env)) delete process.env[name];
    Object.assign(process.env, this.#env);
    for (const work of atEndOfFile) work();
  }

  getVmContext() {
    return null;
  }
}
