import os from 'node:os';

/** @type {import('jest').Config} */
export default {
  // Test files are loaded by Node itself, and share what their worker has loaded.
  runtime: '<rootDir>/test/runner/runtime.mjs',
  testEnvironment: '<rootDir>/test/runner/environment.mjs',
  // The worker, and Node itself (fetch), need these while a test plays with the time.
  fakeTimers: { doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] },
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/emulator', '<rootDir>/client', '<rootDir>/cli'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' }, // of the global setup
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  // Tests mostly wait: two workers use half of two processors.
  maxWorkers: os.availableParallelism() + 1,
  // A guard against hanging, longer than anything a test waits for by itself (test/support/until.ts).
  testTimeout: process.env.FAULTS === 'full' ? 45 * 60_000 : 5 * 60_000,
};
