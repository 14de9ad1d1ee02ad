import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, problemKinds } from '../errors.ts';

/** Where the list of problem codes can be read, on this service. */
export const problemDocsPath = '/docs/problems';

/** The one place where what was thrown becomes what the caller sees. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = toProblem(thrown);
    if (problem.status >= 500) this.report(problem, request);
    if (reply.sent) return;
    if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(problem.retryAfterSeconds));
    if (problem.headers) reply.headers(problem.headers);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    // An unread body must not be taken for the next request on this connection.
    if (problem.status === 413) reply.header('connection', 'close');
    void reply
      .status(problem.status)
      .type('application/problem+json; charset=utf-8')
      .send(JSON.stringify(problemDocument(problem, request.id)));
  }

  private report(problem: Problem, request: FastifyRequest): void {
    this.logger.error({ requestId: request.id, code: problem.code, err: problem.cause ?? problem }, problem.detail);
  }
}

/** The RFC 9457 document of a problem. */
export function problemDocument(problem: Problem, requestId: string): Record<string, unknown> {
  return {
    type: `${problemDocsPath}#${problem.code}`,
    title: problemKinds[problem.code].title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    requestId,
    ...(problem.errors && { errors: problem.errors }),
    ...problem.extra,
  };
}

/** Translates what the framework throws; what nobody meant for a caller is `internal`, and its reason goes to the log. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const status = thrown instanceof HttpException ? thrown.getStatus() : fastifyStatus(thrown);
  switch (status) {
    case 404:
      return new Problem('not_found', 'There is no such route. See /docs for those there are.');
    case 413:
      return new Problem('payload_too_large', 'Send a smaller body: the limit is 64 KiB.');
    case 415:
      return new Problem('invalid_request', 'Send JSON, with content-type: application/json.', { status: 415 });
    case 414:
      return new Problem('invalid_request', 'A part of the address is too long.', { status });
    case 400:
    case 431:
      return new Problem('invalid_request', sentence(thrown), { status });
    case 401:
      return new Problem('unauthenticated', 'Send a valid credential as Authorization: Bearer ….');
    case 403:
      return new Problem('forbidden', 'This credential may not do this.');
    default:
      return new Problem('internal', 'The failure was recorded under the request id.', { cause: thrown });
  }
}

/** Fastify marks its own errors, and those of body parsers, with a status below 500 where the client is at fault. */
function fastifyStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined;
  const { statusCode } = thrown;
  return typeof statusCode === 'number' && statusCode < 500 ? statusCode : undefined;
}

function sentence(thrown: unknown): string {
  // Fastify's own words repeat the address, which may hold what does not belong there.
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'FST_ERR_BAD_URL') {
    return 'The address cannot be decoded: check its percent-encoding.';
  }
  const message = thrown instanceof Error ? thrown.message : 'The request cannot be read.';
  return message.endsWith('.') ? message : `${message}.`;
}
