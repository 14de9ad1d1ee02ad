import type { FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';

/**
 * Name of the cookie. A browser takes a cookie of such a name only over https or from this machine, for this host alone and
 * for every path (RFC 6265bis, `__Host-`).
 */
export const cookieName = '__Host-stagedoor';

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** The header that gives the browser the token of a session. */
export function cookieWith(token: string): string {
  return `${cookieName}=${token}; ${attributes}; Max-Age=${limits.consoleIdleSeconds}`;
}

/** The header that makes the browser forget the token. */
export const cookieWithout = `${cookieName}=; ${attributes}; Max-Age=0`;

/** The token in the cookie of a request; undefined: there is none. @throws Problem `unauthenticated` if there are several. */
export function tokenInCookie(request: FastifyRequest): string | undefined {
  const cookies = (request.headers.cookie ?? '').split(';').map((one) => one.trim());
  const tokens = cookies
    .filter((one) => one.startsWith(`${cookieName}=`))
    .map((one) => one.slice(cookieName.length + 1));
  if (tokens.length > 1) throw new Problem('unauthenticated', `Send one cookie ${cookieName}.`);
  return tokens[0] === '' ? undefined : tokens[0];
}
