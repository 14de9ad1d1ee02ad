import type { StagedoorProblem } from './problem.ts';

/** The answers after which the client asks no more by itself. */
export type RefusalType = 'banned' | 'space_closed' | 'forbidden' | 'unauthenticated' | 'not_found';

/** A final answer: the client has stopped, and goes on only after `retry()`. */
export interface Refusal {
  readonly type: RefusalType;
  /** The space that it is about; null if it concerns every space: nobody is signed in. */
  readonly spaceId: string | null;
  /** What the user may do, in one sentence that a page can show. */
  readonly advice: string;
  /** The end of a ban that ends by itself. */
  readonly until: Date | null;
  /** The reason that a moderator gave for a ban. */
  readonly reason: string | null;
  readonly problem: StagedoorProblem;
}

const advices: Record<RefusalType, string> = {
  banned: 'Ask a moderator to lift the ban.',
  space_closed: 'Come back when the space is open again.',
  forbidden: 'Ask the organizers for access to this space.',
  unauthenticated: 'Sign in again.',
  not_found: 'This space does not exist any more. Go back and choose another one.',
};

/** The final answer that a problem is; undefined if asking again later may help. */
export function refusalOf(problem: StagedoorProblem, spaceId: string): Refusal | undefined {
  const type = problem.code as RefusalType;
  if (!Object.hasOwn(advices, type)) return undefined;
  const { until, reason } = problem.document;
  const ends = type === 'banned' && typeof until === 'string' ? new Date(until) : null;
  return {
    type,
    spaceId: type === 'unauthenticated' ? null : spaceId,
    advice: ends ? 'Come back when the ban has ended, or ask a moderator to lift it.' : advices[type],
    until: ends,
    reason: typeof reason === 'string' ? reason : null,
    problem,
  };
}

/** Whether the same request may succeed soon, so that it is made again without being asked for. */
export function isPassing({ code, status }: StagedoorProblem): boolean {
  return code === 'network' || code === 'unexpected_answer' || status === 429 || status >= 500;
}
