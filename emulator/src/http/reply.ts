import type { ServerResponse } from 'node:http';

/** What goes back: an answer, nothing ever, or a cut connection. */
export type Reply = { status: number; headers: Record<string, string>; body: string } | 'hang' | 'cut';

/** Sends a reply. A hanging one stays open until the client gives up or the emulator stops. */
export function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  if (reply === 'cut') {
    response.socket?.resetAndDestroy();
    return;
  }
  const { status, headers, body } = reply;
  if (status === 204) {
    response.writeHead(status, headers).end();
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}
