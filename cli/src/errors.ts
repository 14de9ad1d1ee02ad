/** The command line, a file or the environment is wrong. The message says what to change. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A check did not pass: of a policy, of the audit log, of a deployment. What was found has been printed already. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** The person or the machine has stopped the program. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
