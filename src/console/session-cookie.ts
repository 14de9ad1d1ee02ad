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

/** The values of the cookies with a name that a request has. */
export function cookiesNamed({ headers }: FastifyRequest, name: string): string[] {
  const cookies = (headers.cookie ?? '').split(';').map((one) => one.trim());
  return cookies.filter((one) => one.startsWith(`${name}=`)).map((one) => one.slice(name.length + 1));
}

/** The token in the cookie of a request; undefined: there is none. @throws Problem `unauthenticated` if there are several. */
export function tokenInCookie(request: FastifyRequest): string | undefined {
  const tokens = cookiesNamed(request, cookieName);
  if (tokens.length > 1) throw new Problem('unauthenticated', `Send one cookie ${cookieName}.`);
  return tokens[0] === '' ? undefined : tokens[0];
}
