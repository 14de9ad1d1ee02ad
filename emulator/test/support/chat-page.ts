import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const chatClient = createRequire(import.meta.url).resolve('amazon-ivs-chat-messaging');

/** The browser modules of the official client and of its dependency, as their packages contain them. */
const MODULES: Record<string, string> = {
  '/chat/': path.resolve(path.dirname(chatClient), '../esm'),
  '/uuid/': path.resolve(path.dirname(createRequire(chatClient).resolve('uuid')), 'esm-browser'),
};

const PAGE = `<!doctype html>
<title>chat</title>
<link rel="icon" href="data:," />
<script type="importmap">
  { "imports": { "amazon-ivs-chat-messaging": "/chat/index.js", "uuid": "/uuid/index.js" } }
</script>
<script type="module">
  import * as chat from 'amazon-ivs-chat-messaging';

  window.enter = (url, name) => {
    const heard = { messages: [], events: [], deleted: [], users: [], states: [], reason: undefined };
    const room = new chat.ChatRoom({ regionOrUrl: url, tokenProvider: () => window.vendToken(name) });
    room.logger = { debug() {}, error() {}, info() {} };
    room.addListener('connecting', () => heard.states.push('connecting'));
    room.addListener('connect', () => heard.states.push('connected'));
    room.addListener('disconnect', (reason) => {
      heard.states.push('disconnected');
      heard.reason = reason;
    });
    room.addListener('message', (message) => heard.messages.push(message));
    room.addListener('event', (event) => heard.events.push(event));
    room.addListener('messageDelete', (event) => heard.deleted.push(event.messageId));
    room.addListener('userDisconnect', (event) => heard.users.push(event.userId));
    room.connect();
    return { room, heard };
  };
  window.chat = chat;
  window.ready = true;
</script>
`;

/** Serves a page with the official chat client, for tests in a browser. */
export class ChatPage {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ChatPage> {
    const server = createServer((request, response) => {
      void answer(request.url ?? '/').then(({ type, body }) => {
        response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ChatPage(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

async function answer(url: string): Promise<{ type: string; body: string | undefined }> {
  if (url === '/') return { type: 'text/html; charset=utf-8', body: PAGE };
  const prefix = Object.keys(MODULES).find((start) => url.startsWith(start)) ?? '';
  const file = path.join(MODULES[prefix] ?? '/nowhere', url.slice(prefix.length));
  return { type: 'text/javascript', body: await readFile(file, 'utf8').catch(() => undefined) };
}
