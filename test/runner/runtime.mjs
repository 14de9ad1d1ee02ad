/**
 * Loads test files as Node loads a program, without jest's registry of modules. By itself jest gives each file a realm and
 * modules of its own: NestJS, Prisma, the AWS SDK and the service were loaded and compiled 290 times in a run, and no code
 * ever got warm. Here a worker loads a module once, and all its files share it. So a module must keep nothing that a later
 * test could notice. `jest.mock` has no effect; nothing is mocked here.
 */
import { createRequire, flushCompileCache, setSourceMapsSupport } from 'node:module';
import { pathToFileURL } from 'node:url';
import JestRuntime from 'jest-runtime';
import '../../dev/run-typescript.mjs';

setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
const require = createRequire(import.meta.url);

export default class NodeRuntime extends JestRuntime {
  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(file) {
    globalThis.jest = this.jestGlobals.jestObjectFor(file);
    await import(pathToFileURL(file).href);
    flushCompileCache(); // jest may end a worker before it writes
  }

  /** Jest asks for jest-circus, which keeps the tests that a file declares. So each file gets a new one. */
  requireInternalModule(file) {
    delete require.cache[file];
    delete globalThis[Symbol.for('EVENT_HANDLERS')];
    return require(file);
  }
}
