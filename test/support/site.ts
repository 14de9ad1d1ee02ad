/** A web server with a built page: its files, a `demo.json`, and the service behind the same address, as under `npm start`. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

export class Site {
  /** The requests for tokens that have come so far: the paths. */
  readonly asked: string[] = [];
  /** While true, requests to the service get no answer: their connections are cut. */
  isCut = false;

  private constructor(
    readonly server: http.Server,
    readonly url: string,
  ) {}

  /**
   * @param folder the built page.
   * @param service the address of the service.
   * @param configuration what `demo.json` holds, made anew for each request.
   */
  static async start(folder: string, service: string, configuration: () => Promise<object> | object): Promise<Site> {
    let site: Site | undefined;
    const server = http.createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://site');
      if (pathname.startsWith('/v1/')) return forward(request, response, service, site as Site);
      void (async () => {
        if (pathname === '/demo.json') {
          const body = JSON.stringify(await configuration());
          return response.writeHead(200, { 'content-type': 'application/json' }).end(body);
        }
        const file = path.join(folder, pathname === '/' ? 'index.html' : path.normalize(pathname));
        try {
          const body = readFileSync(file);
          response
            .writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' })
            .end(body);
        } catch {
          response.writeHead(404).end();
        }
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    site = new Site(server, `http://localhost:${(server.address() as AddressInfo).port}`);
    return site;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function forward(request: IncomingMessage, response: ServerResponse, service: string, site: Site): void {
  if (request.url?.endsWith('/join')) site.asked.push(request.url);
  if (site.isCut) return void request.destroy();
  const { headers, method = 'GET' } = request;
  const { host: _, ...passed } = headers;
  const onward = http.request(service + request.url, { method, headers: passed }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.once('error', () => response.destroy());
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}
