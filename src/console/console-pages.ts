import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fastifyStatic } from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Where the pages of the console are after `npm run build`, seen from src/console and from dist/console. */
const built = fileURLToPath(new URL('../../console/dist', import.meta.url));

/** What stands in index.html for the nonce of an answer, and for the origin of the chat rooms. */
const placeholders = { nonce: '__STAGEDOOR_NONCE__', chat: '__STAGEDOOR_CHAT__' };

/**
 * What the browser may do for a page of the console: load files of this service, and call it. No script stands in the page
 * itself. Style elements that the page adds carry the nonce of the answer. It may connect to the chat rooms of the tenant that
 * is signed in (`chat`: an origin, or empty).
 */
const policy = (nonce: string, chat: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'${chat && ` ${chat}`}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const headers = { 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' };

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stagedoor: the console is not built</title>
<h1>The console is not built</h1>
<p>Run <code>npm run build</code>, and load this page again.</p>
</html>
`;

/**
 * Serves the pages of the console at /console/. Every address below it that is no file gets the one page, which shows what the
 * address names. The build leaves compressed copies beside the files of `assets`; a browser that takes them gets them.
 * @param chatOriginOf the origin of the chat rooms of the tenant whose session a request has; undefined: it has none.
 * @param folder has the built pages. If there are none yet, every page says so, until there are.
 */
export function serveConsole(
  fastify: FastifyInstance,
  chatOriginOf: (request: FastifyRequest) => Promise<string | undefined>,
  folder = built,
): void {
  fastify.get('/console', (_request, reply) => reply.redirect('/console/', 302));
  fastify.get('/console/*', async (request, reply) => {
    const page = path.join(folder, 'index.html');
    if (!existsSync(page)) return sendPage(reply.status(404), notBuilt, '');
    const chat = await chatOriginOf(request);
    void reply.header(
      'link',
      askedFirst(request.url, chat !== undefined)
        .map(preload)
        .join(', '),
    );
    return sendPage(reply, readFileSync(page, 'utf8'), chat ?? '');
  });
  void fastify.register(fastifyStatic, {
    root: path.join(folder, 'assets'),
    prefix: '/console/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    // The name of each file has a hash of its content, so the file never changes.
    maxAge: '1y',
    immutable: true,
    setHeaders: (reply) => void reply.headers(headers),
  });
}

/** What a page asks the service for first. The browser asks while it loads the scripts, so somebody on a slow line waits less. */
function askedFirst(url: string, isSignedIn: boolean): string[] {
  return ['/console/session', ...(isSignedIn && url === '/console/' ? ['/v1/spaces?limit=100'] : [])];
}

const preload = (url: string): string => `<${url}>; rel=preload; as=fetch; crossorigin`;

function sendPage(reply: FastifyReply, page: string, chat: string): FastifyReply {
  const nonce = randomBytes(16).toString('base64');
  void reply.headers({ ...headers, 'content-security-policy': policy(nonce, chat), 'cache-control': 'no-store' });
  return reply
    .type('text/html; charset=utf-8')
    .send(page.replace(placeholders.nonce, nonce).replace(placeholders.chat, chat));
}
