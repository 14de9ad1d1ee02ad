/** What a check has come to. `unknown`: it cannot be told from here. */
export const outcomes = ['ok', 'warning', 'failed', 'unknown'] as const;

/** One thing about the deployment that was looked at. */
export interface Check {
  /** What was looked at: the name of a setting, of an operation of AWS, or some words. */
  check: string;
  outcome: (typeof outcomes)[number];
  /** What was found. It holds no secret. */
  found: string;
  /** What to do about it; null: nothing. */
  remedy: string | null;
}

/** A check that has found nothing wrong. */
export function good(check: string, found: string): Check {
  return { check, outcome: 'ok', found, remedy: null };
}

/** A check that has found something. */
export function bad(outcome: 'warning' | 'failed' | 'unknown', check: string, found: string, remedy: string): Check {
  return { check, outcome, found, remedy };
}
