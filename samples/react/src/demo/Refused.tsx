import type { Refusal } from '@stagedoor/client';

const titles: Record<string, string> = {
  banned: 'You are banned',
  space_closed: 'The space is closed',
  forbidden: 'You may not come in',
  unauthenticated: 'You are not signed in',
  not_found: 'There is no such space',
};

/** Why somebody is not let in, and what they may do. */
export function Refused({ refusal, onRetry }: { refusal: Refusal; onRetry: () => void }) {
  const { type, problem, reason, until, advice } = refusal;
  return (
    <div className="refused" role="alert">
      <h3>{titles[type] ?? 'You were refused'}</h3>
      <p>{problem.detail}</p>
      {reason && <p>{`Reason: ${reason}`}</p>}
      {until && <p>{`Until ${until.toLocaleString()}`}</p>}
      <p>{advice}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
