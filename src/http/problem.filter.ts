import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, problemKinds } from '../errors.ts';
import { withoutSecrets } from '../redaction.ts';

/** The pages that explain the problem codes: one page a code, `docs/problems/<code>.md`. */
const problemDocsPath = '/docs/problems';

/** Turns every thrown error into the answer that the caller sees. No other code does this. */
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
    // The rest of the body is unread. On a connection kept alive it would be read as the next request.
    if (problem.status === 413) reply.header('connection', 'close');
    void reply
      .status(problem.status)
      .type('application/problem+json; charset=utf-8')
      .send(problemText(problem, request.id));
  }

  private report(problem: Problem, request: FastifyRequest): void {
    this.logger.error({ requestId: request.id, code: problem.code, err: problem.cause ?? problem }, problem.detail);
  }
}

/**
 * The document of a problem as JSON, for its answer. Details name what is wrong and not what was sent; what has the form of a
 * secret would be a mistake, and is taken out.
 */
export function problemText(problem: Problem, requestId: string): string {
  return withoutSecrets(JSON.stringify(problemDocument(problem, requestId)));
}

/** The RFC 9457 document of a problem. */
export function problemDocument(problem: Problem, requestId: string): Record<string, unknown> {
  return {
    type: `${problemDocsPath}/${problem.code}`,
    title: problemKinds[problem.code].title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    requestId,
    ...(problem.errors && { errors: problem.errors }),
    ...problem.extra,
  };
}

/** Translates errors of the framework into problems. Every error that it does not know becomes `internal`. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const status = thrown instanceof HttpException ? thrown.getStatus() : fastifyStatus(thrown);
  switch (status) {
    case 404:
      return new Problem('not_found', 'There is no such route. /docs/api lists all routes.');
    case 413:
      return new Problem('payload_too_large', 'Send a smaller body: the limit is 64 KiB.');
    case 415:
      return new Problem('invalid_request', 'Send JSON, with content-type: application/json.', { status: 415 });
    case 414:
      return new Problem('invalid_request', 'A part of the URL is too long.', { status });
    case 400:
    case 431:
      return new Problem('invalid_request', detailOf(thrown), { status });
    case 401:
      return new Problem('unauthenticated', 'Send a valid credential as Authorization: Bearer ….');
    case 403:
      return new Problem('forbidden', 'This credential may not do this.');
    default:
      return new Problem('internal', 'The failure was recorded under the request id.', { cause: thrown });
  }
}

/** The status of an error of Fastify or a body parser, if it is below 500. Those are mistakes of the client. */
function fastifyStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined;
  const { statusCode } = thrown;
  return typeof statusCode === 'number' && statusCode < 500 ? statusCode : undefined;
}

function detailOf(thrown: unknown): string {
  // Fastify's own text repeats the URL, which may hold a credential by mistake.
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'FST_ERR_BAD_URL') {
    return 'The URL cannot be decoded. Check its percent-encoding.';
  }
  const message = thrown instanceof Error ? thrown.message : 'The request cannot be read.';
  return message.endsWith('.') ? message : `${message}.`;
}

/**
 * Answers from a hook, and writes no line to the log of errors: to be busy is no fault, and thousands of lines would be work too.
 */
export function refuse(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .status(problem.status)
    .header('retry-after', String(problem.retryAfterSeconds ?? 1))
    .type('application/problem+json; charset=utf-8')
    .send(problemText(problem, request.id));
}
