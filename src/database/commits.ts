import { AsyncLocalStorage } from 'node:async_hooks';

/** Says whether a transaction was committed in a piece of work. */
export interface Commits {
  any: boolean;
}

const storage = new AsyncLocalStorage<Commits>();

/** Runs `work`. What it gets says at any time whether something was committed in it. */
export async function watchingCommits<T>(work: (commits: Commits) => Promise<T>): Promise<T> {
  const commits: Commits = { any: false };
  return await storage.run(commits, () => work(commits));
}

/** Notes that a transaction was committed in the present work. */
export function noteCommit(): void {
  const commits = storage.getStore();
  if (commits) commits.any = true;
}
