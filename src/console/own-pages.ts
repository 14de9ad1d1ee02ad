import type { FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';
import { isSameSecret } from '../secrets/same-secret.ts';

/** The header in which the pages of the console send the CSRF token of their session. */
export const csrfHeader = 'x-stagedoor-csrf';

/**
 * Checks that no page of another origin has made the browser send a request, as far as the headers tell. Browsers name the
 * origin of every write, and say how each request came about (Fetch Metadata).
 * @throws Problem `forbidden`
 */
export function assertNotFromElsewhere(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw fromElsewhere();
  if (origin !== undefined && !isOwn(origin, request.host)) throw fromElsewhere();
}

/**
 * Checks that a page of the console itself sends a write: it names its own origin, and the CSRF token of the session.
 * @throws Problem `forbidden`
 */
export function assertFromOwnPage(request: FastifyRequest, csrfToken: string): void {
  if (request.headers.origin === undefined) {
    throw new Problem(
      'forbidden',
      'A write with a session of the console needs the header Origin, as browsers send it.',
    );
  }
  const given = request.headers[csrfHeader];
  if (typeof given === 'string' && isSameSecret(given, csrfToken)) return;
  throw new Problem(
    'forbidden',
    `A write with a session of the console needs the header ${csrfHeader}. GET /console/session has its value.`,
  );
}

/** Whether an origin has the host and the port that the request was sent to. A default port may be left out of either. */
function isOwn(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false; // `null`, as sandboxed pages have it
  const { protocol, host: own } = new URL(origin);
  const asked = `${protocol}//${host}`;
  return /^https?:$/.test(protocol) && URL.canParse(asked) && new URL(asked).host === own;
}

function fromElsewhere(): Problem {
  return new Problem(
    'forbidden',
    'A session of the console is used by the pages of the console alone, at the address of the service.',
  );
}
