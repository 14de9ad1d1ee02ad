import type { IncomingMessage } from 'node:http';

/** What a client of a stage does. A page that is served on this machine may do it, whatever its port. */
const ROUTES_OF_CLIENTS: ReadonlySet<string> = new Set([
  'join',
  'leave',
  'publish',
  'unpublish',
  'mute',
  'subscribe',
  'unsubscribe',
  'exchange',
  'participants',
]);

const LOOPBACK_PAGE = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Whether the sender of a request may use a path of the control API: the headers of the answer, or why not.
 *
 * The control API has no authentication. On loopback, only a web page that the developer visits could misuse it. Its
 * requests have another origin, or a host name that its owner has made point to this machine. A page from this machine
 * is the developer's own: it may be a participant of a stage, as a page with the real client is.
 */
export function permission(
  { headers, method }: IncomingMessage,
  path: string,
): { headers: Record<string, string> } | { refused: string } {
  const { origin, host = '' } = headers;
  if (!/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]|localhost|[a-z0-9-]+)(:\d+)?$/i.test(host)) {
    return { refused: `the control API is not served under the name ${host}` };
  }
  if (origin === undefined || origin === `http://${host}`) return { headers: {} };
  if (!ROUTES_OF_CLIENTS.has(path) || !LOOPBACK_PAGE.test(origin)) {
    return { refused: `pages of ${origin} may not use the control API` };
  }
  return {
    headers: {
      'access-control-allow-origin': origin,
      vary: 'origin',
      ...(method === 'OPTIONS' && {
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'content-type',
        'access-control-max-age': '600',
      }),
    },
  };
}
