import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';
import { type AllowedOrigins, headersForOrigin } from './cross-origin.ts';
import { problemText, toProblem } from './problem.filter.ts';

const problemType = 'application/problem+json; charset=utf-8';

/** Answers requests whose URL cannot be decoded. Fastify runs no hook and no filter for them. */
export function unroutableHandler(origins: AllowedOrigins) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = toProblem(error);
    void reply
      .status(problem.status)
      .headers({ 'x-request-id': request.id, 'content-type': problemType, ...headersForOrigin(request, origins) })
      .send(problemText(problem, request.id));
  };
}

/** Problems for the error codes of Node's HTTP parser. */
const clientProblems: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem('invalid_request', 'Send smaller headers: the limit is 16 KiB.', { status: 431 }),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('invalid_request', 'The request took too long to arrive. Send it again.', {
    status: 408,
  }),
};
const malformed = new Problem('invalid_request', 'This is not an HTTP/1.1 request.');

/** Answers bytes that are no HTTP request. It writes to the socket itself, because there is no reply object. */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = clientProblems[error.code ?? ''] ?? malformed;
  const requestId = randomUUID();
  const body = problemText(problem, requestId);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      `content-type: ${problemType}`,
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
