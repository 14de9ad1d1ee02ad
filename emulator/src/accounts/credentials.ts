import type { Clock } from '../clock.ts';
import { randomId } from '../ids.ts';

/** A pair of keys that may sign requests, and the account they sign for. */
export interface Credential {
  accessKeyId: string;
  secretAccessKey: string;
  /** Twelve digits. */
  account: string;
}

/** A credential made by AssumeRole: it needs its session token, and ends. */
export interface SessionCredential extends Credential {
  sessionToken: string;
  /** Milliseconds since 1970, by the emulator's clock. */
  expiresAt: number;
  /** The ARN that GetCallerIdentity answers. */
  arn: string;
  userId: string;
}

/**
 * The credentials that work without any setting: secret `local`, and as access key id either `local` (account
 * 111122223333) or any account id of twelve digits. They are public, and good for nothing elsewhere.
 */
export const LOCAL_CREDENTIAL: Credential = {
  accessKeyId: 'local',
  secretAccessKey: 'local',
  account: '111122223333',
};

const ACCOUNT_ID = /^\d{12}$/;

/** Knows every access key: the local ones, those configured, and those AssumeRole handed out. */
export class Credentials {
  readonly #configured = new Map<string, Credential>();
  readonly #sessions = new Map<string, SessionCredential>();
  readonly #clock: Clock;

  constructor(clock: Clock, configured: Credential[]) {
    this.#clock = clock;
    for (const credential of [LOCAL_CREDENTIAL, ...configured]) {
      this.#configured.set(credential.accessKeyId, credential);
    }
  }

  /** The credential with this access key id, ended sessions included, so that the caller can tell the two apart. */
  find(accessKeyId: string): Credential | SessionCredential | undefined {
    const known = this.#configured.get(accessKeyId) ?? this.#sessions.get(accessKeyId);
    if (known || !ACCOUNT_ID.test(accessKeyId)) return known;
    return { accessKeyId, secretAccessKey: LOCAL_CREDENTIAL.secretAccessKey, account: accessKeyId };
  }

  /** Opens a session for an assumed role (AWS docs: such access key ids start with `ASIA`). */
  openSession(account: string, roleName: string, sessionName: string, durationSeconds: number): SessionCredential {
    const session: SessionCredential = {
      accessKeyId: `ASIA${randomId(16).toUpperCase()}`,
      secretAccessKey: randomId(40),
      sessionToken: randomId(160),
      account,
      arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${sessionName}`,
      userId: `AROA${randomId(16).toUpperCase()}:${sessionName}`,
      expiresAt: this.#clock.now() + durationSeconds * 1000,
    };
    this.#sessions.set(session.accessKeyId, session);
    return session;
  }

  /** Whether a session's time is over. */
  hasEnded(session: SessionCredential): boolean {
    return session.expiresAt <= this.#clock.now();
  }

  /** The open sessions, to be kept over a restart. */
  get sessions(): SessionCredential[] {
    return [...this.#sessions.values()].filter((session) => !this.hasEnded(session));
  }

  set sessions(sessions: SessionCredential[]) {
    this.#sessions.clear();
    for (const session of sessions) this.#sessions.set(session.accessKeyId, session);
  }
}

/** Whether a credential came from AssumeRole. */
export function isSession(credential: Credential): credential is SessionCredential {
  return 'sessionToken' in credential;
}
