/**
 * Every way a request can fail, with its HTTP status. The list is closed: a caller may switch over it. A kind is worth
 * having only if a caller would act on it differently.
 */
export const problemKinds = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'No valid credential was given' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  banned: { status: 403, title: 'The user is banned' },
  not_found: { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  space_full: { status: 409, title: 'The space is full' },
  space_closed: { status: 409, title: 'The space is closed' },
  idempotency_mismatch: { status: 409, title: 'The idempotency key was used for another request' },
  payload_too_large: { status: 413, title: 'The request body is too large' },
  rate_limited: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'A quota is used up' },
  ivs_rejected: { status: 502, title: 'Amazon IVS answered in a way that cannot be used' },
  ivs_unavailable: { status: 503, title: 'Amazon IVS cannot be reached or is refusing work' },
  unavailable: { status: 503, title: 'The service cannot do this right now' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemKinds;

/** One fault in the input: where it is (dotted path, empty for the whole) and what to change. */
export interface InputFault {
  path: string;
  message: string;
}

export interface ProblemOptions {
  errors?: InputFault[];
  /** Whole seconds after which the same request may succeed. */
  retryAfterSeconds?: number;
  /** The HTTP status where it differs from the kind's own (415 is an `invalid_request`). */
  status?: number;
  /** Further headers of the answer. */
  headers?: Record<string, string>;
  /** Further fields of the problem document, such as until when a ban lasts. */
  extra?: Record<string, unknown>;
  /** The reason, for the log; callers never see it. */
  cause?: unknown;
}

/** A failure in words meant for the caller. Anything else that is thrown becomes `internal` at the edge. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: InputFault[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string> | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    readonly code: ProblemCode,
    /** What happened and what to do about it, in a sentence or two. */
    readonly detail: string,
    options: ProblemOptions = {},
  ) {
    super(`${code}: ${detail}`, { cause: options.cause });
    this.name = 'Problem';
    this.status = options.status ?? problemKinds[code].status;
    this.errors = options.errors;
    this.headers = options.headers;
    this.extra = options.extra;
    const waits = this.status === 429 || this.status === 502 || this.status === 503;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (waits ? 1 : undefined);
  }
}

/** The one answer for a thing that is not there, or is another tenant's: nobody can tell the two apart. */
export function notFound(what: string): Problem {
  return new Problem('not_found', `There is no such ${what}.`);
}

/** A request that is refused for one field. */
export function invalid(path: string, message: string): Problem {
  return new Problem('invalid_request', 'Correct the fields named in errors and send the request again.', {
    errors: [{ path, message }],
  });
}
