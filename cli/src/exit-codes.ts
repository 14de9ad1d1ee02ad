/** The exit codes. `docs/cli.md` explains them, and scripts rely on them. */
export const exitCodes = {
  ok: 0,
  /** The service refused, or a check of this program failed. */
  refused: 1,
  /** The command line, a file or a profile is wrong. Nothing was sent. */
  usage: 2,
  /** No usable answer came: the service cannot be reached, or has no capacity now. The same command may succeed later. */
  unreachable: 3,
  /** A fault of this program. */
  fault: 70,
  /** Ctrl-C, or SIGTERM. */
  interrupted: 130,
} as const;
