/**
 * Choices where AWS does not document the behavior. A caller could come to depend on each of them. The default is the
 * choice that is stricter for the caller, or the one that AWS's own clients suggest. `docs/differences.md` lists them.
 */
export interface Switches {
  /** How many seconds a participant id is refused after DisconnectParticipant. `null`: for ever. 0: not at all. */
  kickedRefusedSeconds: number | null;
  /** Whether DisconnectParticipant makes the emulator refuse the id (`jti`) of a self-signed token too. */
  kickedSelfSignedRefused: boolean;
  /**
   * What DisconnectParticipant does with an id that is not connected, for example because it never joined. `ignored`: it
   * succeeds without effect. `refused-later`: it succeeds, and the id is refused from then on. `not-found`:
   * ResourceNotFoundException, which the service model lists, also for a stage. AWS's sample back end "UGC platform"
   * disconnects ids without asking whether they joined, and takes an error for a failure: so the default is to succeed.
   * Nothing says that an unused token ends by it.
   */
  absentParticipant: 'not-found' | 'ignored' | 'refused-later';
  /** Whether a participant id may join again after a second use of its token. */
  replacedMayReturn: boolean;
  /** Whether participants stay connected when their token expires. */
  expiredStays: boolean;
  /** Whether participants stay connected when the public key that verified their token is deleted. */
  deletedKeyStays: boolean;
  /** How many seconds `iat` may lie in the future and `exp` in the past. */
  clockSkewSeconds: number;
  /** What `capabilities: []` in CreateParticipantToken means: no capability, both capabilities, or an error. */
  emptyCapabilities: 'none' | 'both' | 'invalid';
  /**
   * What counts toward the 1 KB of attributes: the bytes of keys and values, the bytes of the JSON, or the characters.
   */
  attributesCount: 'utf8-bytes' | 'json-bytes' | 'characters';
  /** Whether ImportPublicKey answers ConflictException for a key that was imported before. */
  duplicateKeyConflicts: boolean;
  /** How many seconds a chat token can open a connection. */
  chatTokenSeconds: number;
  /** Who gets the event `aws:DISCONNECT_USER`: everybody in the room, or only the user who is disconnected. */
  disconnectUserEventTo: 'room' | 'user';
  /** How a chat session ends when its time is over: with a clean close, or with ERROR 401 and then a close. */
  chatSessionEnd: 'close' | 'error-401';
  /**
   * How many seconds after its last participant left a stage session ends. Who joins before that joins the same session.
   * The service model says that it ends after the last participant leaves, and not how soon.
   */
  stageSessionEndSeconds: number;
  /**
   * The error name of a call above its rate. The models list ThrottlingException for three operations of Chat, which
   * always use it, and nothing for the others. AWS's services use each of these names; all SDKs know them.
   */
  throttlingError: 'ThrottlingException' | 'TooManyRequestsException' | 'Throttling' | 'RequestLimitExceeded';
  /**
   * The order of ListParticipantEvents. AWS's documents show two, and promise none.
   *
   * - `oldest-first`: the sample of the RealTimeUserGuide, "Monitoring Stages".
   * - `newest-first`: the sample of the AWS CLI reference. The whole list is turned round.
   * - `newest-time-first`: like `newest-first`, but events of the same shown time stay oldest first. The sample of the CLI
   *   reference has JOINED before PUBLISH_STARTED of the same second, below a later LEFT.
   */
  participantEventsOrder: 'oldest-first' | 'newest-first' | 'newest-time-first';
  /**
   * The precision of `eventTime` in ListParticipantEvents. `seconds` cuts the fraction off. The AWS CLI reference and the
   * RealTimeUserGuide both have samples with whole seconds. The service model allows fractions.
   */
  participantEventTimes: 'milliseconds' | 'seconds';
}

export const DEFAULT_SWITCHES: Readonly<Switches> = {
  kickedRefusedSeconds: null,
  kickedSelfSignedRefused: true,
  absentParticipant: 'ignored',
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
  stageSessionEndSeconds: 0,
  throttlingError: 'ThrottlingException',
  participantEventsOrder: 'oldest-first',
  participantEventTimes: 'milliseconds',
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
  stageSessionEndSeconds: seconds,
  throttlingError: oneOf('ThrottlingException', 'TooManyRequestsException', 'Throttling', 'RequestLimitExceeded'),
  participantEventsOrder: oneOf('oldest-first', 'newest-first', 'newest-time-first'),
  participantEventTimes: oneOf('milliseconds', 'seconds'),
};

/** Says in one line what is wrong with changed switches. Returns `undefined` for correct ones. */
export function switchProblem(changes: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(CHECKS, name))
      return `there is no switch ${name}; the switches are ${Object.keys(CHECKS).join(', ')}`;
    const check = CHECKS[name as keyof Switches];
    if (!check.test(value)) return `the switch ${name} must be ${check.expected}`;
  }
  return undefined;
}

/**
 * Reads switches from texts of the form `NAME=VALUE`. A value is read as JSON (`true`, `3`, `null`) if it is JSON,
 * otherwise as text. `switchProblem` checks the names and values at the start.
 */
export function readSwitches(pairs: readonly string[]): Partial<Switches> {
  const entries = pairs.map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name, readValue(value.join('='))];
  });
  return Object.fromEntries(entries) as Partial<Switches>;
}

/**
 * Reads the switches in the environment variable `IVS_EMULATOR_SWITCHES`. Commas or spaces separate them:
 * `participantEventsOrder=newest-first,participantEventTimes=seconds`.
 */
export function switchesOfEnvironment(environment: Readonly<Record<string, string | undefined>>): Partial<Switches> {
  return readSwitches((environment['IVS_EMULATOR_SWITCHES'] ?? '').split(/[\s,]+/).filter(Boolean));
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
