import type { InputFault, ServiceProblemCode } from './api.ts';

/**
 * Why something did not work: a code of the service, or
 * - `network`: no answer came;
 * - `unexpected_answer`: what answered is not the service (a proxy, a captive portal);
 * - `no_stage`, `no_chat`: the space, or the role of the user, has none.
 */
export type ProblemCode = ServiceProblemCode | 'network' | 'unexpected_answer' | 'no_stage' | 'no_chat';

/** A failure of a request: the service's problem document (RFC 9457), or the reason why there is none. */
export class StagedoorProblem extends Error {
  override readonly name = 'StagedoorProblem';

  constructor(
    readonly code: ProblemCode,
    /** What happened, and what to do. */
    readonly detail: string,
    /** The HTTP status; 0 if no answer came. */
    readonly status = 0,
    /** Id of the request in the service's log; undefined if no answer came. */
    readonly requestId?: string,
    /** Seconds after which the same request may succeed, as `Retry-After` says. */
    readonly retryAfterSeconds?: number,
    /** The whole problem document: `until` and `reason` of a ban stand here. */
    readonly document: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(`${code}: ${detail}`, { cause });
  }

  /** For `invalid_request`: the faults of the input. */
  get errors(): readonly InputFault[] {
    const { errors } = this.document;
    return Array.isArray(errors) ? (errors as InputFault[]) : [];
  }
}

/** Reads the problem of an answer whose status is not 2xx, or whose body is not JSON. */
export function problemOf(response: Response, body: unknown): StagedoorProblem {
  const { status, headers } = response;
  const document = isRecord(body) ? body : {};
  const { code, detail, requestId } = document;
  const retryAfterSeconds = readRetryAfter(headers.get('retry-after'));
  if (typeof code !== 'string' || status < 400) {
    const told = `The answer with status ${status} is none of Stagedoor. Check the URL, and what stands in between.`;
    return new StagedoorProblem('unexpected_answer', told, status, undefined, retryAfterSeconds);
  }
  return new StagedoorProblem(
    code as ServiceProblemCode,
    typeof detail === 'string' ? detail : '',
    status,
    typeof requestId === 'string' ? requestId : (headers.get('x-request-id') ?? undefined),
    retryAfterSeconds,
    document,
  );
}

/** The problem of a request that got no answer. */
export function networkProblem(cause: unknown): StagedoorProblem {
  return new StagedoorProblem('network', 'No answer came from the service.', 0, undefined, undefined, {}, cause);
}

/** `Retry-After` in seconds: whole seconds, or an HTTP date. */
function readRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const seconds = Number(value);
  const read = Number.isFinite(seconds) ? seconds : (Date.parse(value) - Date.now()) / 1_000;
  return Number.isFinite(read) ? Math.max(0, read) : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
