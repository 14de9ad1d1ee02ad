/** An error whose message tells the user all there is to know, the remedy included. It is shown without a stack. */
export class UserError extends Error {
  name = 'UserError';
}

/** What went wrong, in one line. */
export function reason(error) {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  const { message, code } = error;
  return message || code || String(error);
}
