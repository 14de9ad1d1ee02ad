/** An error whose message tells the user all there is to know, remedy included: it is shown without a stack. */
export class Told extends Error {
  override name = 'Told';
}

/** What went wrong, in one line. */
export function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
