/**
 * What AWS does not say. Each switch settles one question that a caller could come to depend on; the default is the
 * answer that is harder on the caller, or the one AWS's own clients suggest. `docs/differences.md` tells the reasons.
 */
export interface Switches {
  /**
   * For how many seconds a participant id is refused after DisconnectParticipant: `null` for ever, 0 not at all.
   */
  kickedRefusedSeconds: number | null;
  /** Whether a kick refuses the id of a self-signed token (its `jti`) as it does one chosen by IVS. */
  kickedSelfSignedRefused: boolean;
  /**
   * What DisconnectParticipant does about an id that is not connected: ResourceNotFoundException, an answer of success
   * without effect, or success and the id refused from then on.
   */
  absentParticipant: 'not-found' | 'ignored' | 'refused-later';
  /** Whether a participant id may join again after a second use of its token threw it out. */
  replacedMayReturn: boolean;
  /** Whether participants stay when the token they joined with expires. */
  expiredStays: boolean;
  /** Whether participants stay when the public key that verified their token is deleted. */
  deletedKeyStays: boolean;
  /** How far `iat` and `exp` of a self-signed token may be off, in seconds. */
  clockSkewSeconds: number;
  /** What `capabilities: []` in CreateParticipantToken means: nothing allowed, the default, or an error. */
  emptyCapabilities: 'none' | 'both' | 'invalid';
  /** What the 1 KB of attributes counts: bytes of keys and values, bytes of their JSON, or characters. */
  attributesCount: 'utf8-bytes' | 'json-bytes' | 'characters';
  /** Whether importing the same public key twice is a conflict. */
  duplicateKeyConflicts: boolean;
  /** For how many seconds a chat token may open a connection. */
  chatTokenSeconds: number;
  /** Who receives `aws:DISCONNECT_USER`: the whole room, or the connections that are closed. */
  disconnectUserEventTo: 'room' | 'user';
  /** How a chat session ends when its time is over: a clean close, or ERROR 401 and then a close. */
  chatSessionEnd: 'close' | 'error-401';
}

export const DEFAULT_SWITCHES: Readonly<Switches> = {
  kickedRefusedSeconds: null,
  kickedSelfSignedRefused: true,
  absentParticipant: 'not-found',
  replacedMayReturn: true,
  expiredStays: true,
  deletedKeyStays: true,
  clockSkewSeconds: 0,
  emptyCapabilities: 'none',
  attributesCount: 'utf8-bytes',
  duplicateKeyConflicts: true,
  chatTokenSeconds: 60,
  disconnectUserEventTo: 'room',
  chatSessionEnd: 'close',
};

type Check = { expected: string; test: (value: unknown) => boolean };

const flag: Check = { expected: 'true or false', test: (value) => typeof value === 'boolean' };
const seconds: Check = {
  expected: 'a number of seconds',
  test: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
};
const oneOf = (...values: string[]): Check => ({
  expected: values.join(' or '),
  test: (value) => values.includes(value as string),
});

const CHECKS: Record<keyof Switches, Check> = {
  kickedRefusedSeconds: {
    expected: `${seconds.expected}, or null`,
    test: (value) => value === null || seconds.test(value),
  },
  kickedSelfSignedRefused: flag,
  absentParticipant: oneOf('not-found', 'ignored', 'refused-later'),
  replacedMayReturn: flag,
  expiredStays: flag,
  deletedKeyStays: flag,
  clockSkewSeconds: seconds,
  emptyCapabilities: oneOf('none', 'both', 'invalid'),
  attributesCount: oneOf('utf8-bytes', 'json-bytes', 'characters'),
  duplicateKeyConflicts: flag,
  chatTokenSeconds: seconds,
  disconnectUserEventTo: oneOf('room', 'user'),
  chatSessionEnd: oneOf('close', 'error-401'),
};

/** What is wrong with a wish to set switches, as one line; `undefined` when nothing is. */
export function switchProblem(wish: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(wish)) {
    if (!Object.hasOwn(CHECKS, name)) return `there is no switch ${name}; there are ${Object.keys(CHECKS).join(', ')}`;
    const check = CHECKS[name as keyof Switches];
    if (!check.test(value)) return `the switch ${name} must be ${check.expected}`;
  }
  return undefined;
}
