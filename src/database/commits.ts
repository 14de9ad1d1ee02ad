import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tx } from './database.ts';

/** Says whether a transaction was committed in a piece of work. */
export interface Commits {
  any: boolean;
}

const storage = new AsyncLocalStorage<Commits>();

/** What runs after the commit of a transaction. */
const followUps = new WeakMap<Tx, Set<() => void>>();

/** Runs `work`. What it gets says at any time whether something was committed in it. */
export async function watchingCommits<T>(work: (commits: Commits) => Promise<T>): Promise<T> {
  const commits: Commits = { any: false };
  return await storage.run(commits, () => work(commits));
}

/** Calls `run` once after the transaction was committed, and never if it is not. `run` does not throw. */
export function afterCommit(tx: Tx, run: () => void): void {
  const known = followUps.get(tx);
  if (known) known.add(run);
  else followUps.set(tx, new Set([run]));
}

/** Notes that a transaction was committed in the present work, and runs what is to follow its commit. */
export function noteCommit(tx?: Tx): void {
  const commits = storage.getStore();
  if (commits) commits.any = true;
  for (const run of (tx && followUps.get(tx)) ?? []) run();
}
