import type { Clock } from '../clock.ts';
import { randomId } from '../ids.ts';
import { SessionPolicy } from './session-policy.ts';

/** A pair of keys that can sign requests, and the account that the requests belong to. */
export interface Credential {
  accessKeyId: string;
  secretAccessKey: string;
  /** Twelve digits. */
  account: string;
  /** Whether these are keys of the root user of the account. False by default: they are those of an IAM user. */
  root?: boolean;
}

/** A credential made by AssumeRole. It works only together with its session token, and it expires. */
export interface SessionCredential extends Credential {
  sessionToken: string;
  /** Milliseconds since 1970, by the emulator's clock. */
  expiresAt: number;
  /** The ARN in the answer of GetCallerIdentity. */
  arn: string;
  userId: string;
  /** The session policy, as text. Without one the session may do everything. */
  policy?: string;
}

/**
 * The credential that works without any setting. Any account id of twelve digits works as an access key id too, with
 * the same secret. These credentials are public and open nothing outside the emulator.
 */
export const LOCAL_CREDENTIAL: Credential = {
  accessKeyId: 'local',
  secretAccessKey: 'local',
  account: '111122223333',
};

const MAX_POLICIES = 1_000;

const ACCOUNT_ID = /^\d{12}$/;

/** All access keys: the local ones, the configured ones, and those that AssumeRole has given out. */
export class Credentials {
  readonly #configured = new Map<string, Credential>();
  readonly #sessions = new Map<string, SessionCredential>();
  /** What was read of policies, by their text. */
  readonly #policies = new Map<string, SessionPolicy>();
  readonly #clock: Clock;

  constructor(clock: Clock, configured: Credential[]) {
    this.#clock = clock;
    for (const credential of [LOCAL_CREDENTIAL, ...configured]) {
      this.#configured.set(credential.accessKeyId, credential);
    }
  }

  /**
   * Finds a credential by its access key id. Expired sessions are found too, because AWS answers them with another
   * error.
   */
  find(accessKeyId: string): Credential | SessionCredential | undefined {
    const known = this.#configured.get(accessKeyId) ?? this.#sessions.get(accessKeyId);
    if (known || !ACCOUNT_ID.test(accessKeyId)) return known;
    return { accessKeyId, secretAccessKey: LOCAL_CREDENTIAL.secretAccessKey, account: accessKeyId };
  }

  /** Makes a credential for an assumed role. The access key ids of such credentials start with `ASIA` (AWS docs). */
  openSession(
    account: string,
    roleName: string,
    sessionName: string,
    { durationSeconds, policy }: { durationSeconds: number; policy?: string | undefined },
  ): SessionCredential {
    const session: SessionCredential = {
      accessKeyId: `ASIA${randomId(16).toUpperCase()}`,
      secretAccessKey: randomId(40),
      sessionToken: randomId(160),
      account,
      arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${sessionName}`,
      userId: `AROA${randomId(16).toUpperCase()}:${sessionName}`,
      expiresAt: this.#clock.now() + durationSeconds * 1000,
      ...(policy !== undefined && { policy }),
    };
    this.#sessions.set(session.accessKeyId, session);
    return session;
  }

  /** The session policy of an access key; undefined: it may do everything. */
  policyOf(accessKeyId: string): SessionPolicy | undefined {
    const text = this.#sessions.get(accessKeyId)?.policy;
    if (text === undefined) return undefined;
    const known = this.#policies.get(text);
    if (known) return known;
    const policy = SessionPolicy.from(text);
    if (this.#policies.size >= MAX_POLICIES) this.#policies.clear();
    this.#policies.set(text, policy);
    return policy;
  }

  hasExpired(session: SessionCredential): boolean {
    return session.expiresAt <= this.#clock.now();
  }

  /** The sessions that have not expired. The emulator keeps them across a restart. */
  get sessions(): SessionCredential[] {
    return [...this.#sessions.values()].filter((session) => !this.hasExpired(session));
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
