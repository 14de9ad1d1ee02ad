import type { ServerResponse } from 'node:http';

/** How a request is answered: with a response, never (`hang`), or by cutting its connection (`cut`). */
export type Reply = { status: number; headers: Record<string, string>; body: string } | 'hang' | 'cut';

/** Sends a reply. For `hang`, the request stays open until the client gives up or the emulator stops. */
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
