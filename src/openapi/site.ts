import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fastifyStatic } from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Where the documentation is after `npm run build`, seen from src/openapi and from dist/openapi. */
const built = fileURLToPath(new URL('../../docs/dist', import.meta.url));

/**
 * What the browser may load for a page of the documentation: files of this service, and nothing else. Highlighted code has
 * its colors in style attributes.
 */
const siteHeaders = {
  'content-security-policy':
    "default-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stagedoor: the documentation is not built</title>
<h1>The documentation is not built</h1>
<p>Run <code>npm run build</code>, and load this page again. <a href="/docs/api">The API reference</a> is here already.</p>
</html>
`;

/**
 * Serves the documentation site at /docs/. Its pages have addresses without `.html`.
 * @param folder has the built site. If there is none yet, every page says so, until there is one.
 */
export function serveSite(fastify: FastifyInstance, folder = built): void {
  let files: ReadonlySet<string> | undefined;
  const present = () => (files ??= existsSync(path.join(folder, 'index.html')) ? filesOf(folder) : undefined);
  void fastify.register(fastifyStatic, { root: folder, serve: false });
  fastify.get('/docs', (_request, reply) => reply.redirect('/docs/', 302));
  fastify.get<{ Params: { '*': string } }>('/docs/*', (request, reply) => {
    void reply.headers(siteHeaders);
    const site = present();
    if (!site) return reply.status(404).type('text/html; charset=utf-8').send(notBuilt);
    const wanted = request.params['*'];
    // The pages of a folder link to each other by relative addresses, which need the slash.
    if (site.has(`${wanted}/index.html`)) return reply.redirect(`/docs/${wanted}/`, 302);
    const file = [wanted, `${wanted}.html`, `${wanted}index.html`].find((name) => site.has(name));
    return sendFile(reply.status(file === undefined ? 404 : 200), file ?? '404.html');
  });
}

/** Sends a file of the site. The name of each file in `assets` has a hash of its content, so it never changes. */
function sendFile(reply: FastifyReply, file: string): FastifyReply {
  const isHashed = file.startsWith('assets/');
  void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
  return reply.sendFile(file, { cacheControl: false });
}

/** The files of a folder, by their paths in it with slashes. */
function filesOf(folder: string): ReadonlySet<string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Set(
    entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')),
  );
}
