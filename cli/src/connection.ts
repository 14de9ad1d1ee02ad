import { createStagedoorServer, type StagedoorServer } from '@stagedoor/client/server';
import { UsageError } from './errors.ts';
import { type Profile, profileNamed, readProfiles } from './profiles.ts';
import { keepSecret } from './redact.ts';
import { isWatched, tell } from './terminal.ts';

/** Which service is called, and how long an answer is waited for. */
export interface Target {
  profile?: string;
  /** Seconds after which a request without a good answer is given up, repeats included. */
  patience?: number;
}

/** Who calls: an API key, the operator, or an app user with a JWT. */
export type CallerKind = 'apiKey' | 'operator' | 'user';

export interface Connection {
  url: string;
  kind: CallerKind;
  credential: string;
  api: StagedoorServer;
}

export const usualPatience = 10;

/** The address and the credentials that count: those of the named profile, of the environment, or of the current profile. */
export function settingsOf({ profile }: Target, env: NodeJS.ProcessEnv = process.env): Profile & { from: string } {
  if (profile !== undefined) return { ...profileNamed(readProfiles(), profile), from: `the profile ${profile}` };
  const ofEnvironment = {
    ...(env['STAGEDOOR_API_KEY'] && { apiKey: env['STAGEDOOR_API_KEY'] }),
    ...(env['STAGEDOOR_OPERATOR_TOKEN'] && { operatorToken: env['STAGEDOOR_OPERATOR_TOKEN'] }),
  };
  // With an address from the environment, no credential of a profile is sent to it: it may be another service.
  if (env['STAGEDOOR_URL']) return { url: env['STAGEDOOR_URL'], ...ofEnvironment, from: 'the environment' };
  const profiles = readProfiles();
  if (profiles.current !== undefined) {
    const current = profileNamed(profiles, profiles.current);
    return { ...current, ...ofEnvironment, from: `the profile ${profiles.current}` };
  }
  throw new UsageError('No service is named. Set STAGEDOOR_URL, or run: stagedoor profile add NAME --url URL');
}

/**
 * Connects as an API key or as the operator.
 * @throws UsageError if the address or the credential is absent or cannot be one.
 */
export function connect(target: Target, kind: 'apiKey' | 'operator' = 'apiKey'): Connection {
  const settings = settingsOf(target);
  const credential = kind === 'apiKey' ? settings.apiKey : settings.operatorToken;
  if (credential === undefined) {
    const [what, name] =
      kind === 'apiKey' ? ['an API key', 'STAGEDOOR_API_KEY'] : ['the operator token', 'STAGEDOOR_OPERATOR_TOKEN'];
    throw new UsageError(
      `This command needs ${what}, and ${settings.from} has none. Set ${name}, or add it to a profile: stagedoor profile add`,
    );
  }
  return connectWith(settings.url, kind, credential, target);
}

/** Connects as an app user. */
export function connectAsUser(target: Target, token: string): Connection {
  return connectWith(settingsOf(target).url, 'user', token, target);
}

/** Connects with this credential. */
export function connectWith(url: string, kind: CallerKind, credential: string, { patience }: Target): Connection {
  const address = readUrl(url);
  keepSecret(credential);
  if (!/^[\u0021-\u007e]+$/.test(credential))
    throw new UsageError('The credential has characters that none has, such as a space or a line break. Check it.');
  const patienceSeconds = patience ?? usualPatience;
  const fetch = tellingFetch(address, patienceSeconds);
  const api = createStagedoorServer({ url: address, apiKey: credential, patienceSeconds, fetch });
  return { url: address, kind, credential, api };
}

/** Checks the address of a service. Returns it without a slash at its end. */
export function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError('The address of the service must be a URL such as https://stagedoor.example.');
  if (url.username !== '' || url.password !== '')
    throw new UsageError('The address of the service must have no name and no password in it.');
  if (url.search !== '' || url.hash !== '') throw new UsageError('The address of the service must end with its path.');
  return url.href.replace(/\/+$/, '');
}

/** Whether an address is of this machine. */
export function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || hostname.startsWith('127.')
  );
}

/** A `fetch` that tells a person once that it waits. */
function tellingFetch(url: string, patienceSeconds: number): typeof globalThis.fetch {
  let hasTold = false;
  return async (input, init) => {
    try {
      return await globalThis.fetch(input, init);
    } catch (error) {
      if (!hasTold && isWatched() && patienceSeconds > 0) {
        tell(`No answer from ${url}: ${whyNoAnswer(error)}. Trying again for up to ${patienceSeconds} s …`);
        hasTold = true;
      }
      throw error;
    }
  };
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no machine with this name',
  EAI_AGAIN: 'the name cannot be looked up',
  ECONNRESET: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  ETIMEDOUT: 'nothing answers there',
  UND_ERR_CONNECT_TIMEOUT: 'nothing answers there',
  EHOSTUNREACH: 'the machine cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that this machine does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that this machine does not know',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** Why no answer came, in a few words. */
export function whyNoAnswer(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== undefined && reasons[code] !== undefined) return reasons[code];
    if (cause.name === 'TimeoutError') return 'no answer came in time';
  }
  return 'no answer came';
}
