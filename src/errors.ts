/**
 * Every way in which a request can fail, with its HTTP status. The list is closed, so that a caller can switch over it.
 * Add a code only if a caller would act on it differently. Each has a page that explains it: docs/problems/<code>.md.
 */
export const problemKinds = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'No valid credential was given' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  banned: { status: 403, title: 'The user is banned' },
  not_found: { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'The request does not fit the present state' },
  space_full: { status: 409, title: 'The space is full' },
  space_closed: { status: 409, title: 'The space is closed or frozen' },
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

/** One fault in the input. `path` is the dotted path of the field; it is empty for the whole body. */
export interface InputFault {
  path: string;
  message: string;
}

export interface ProblemOptions {
  errors?: InputFault[];
  /** Whole seconds after which the same request may succeed. */
  retryAfterSeconds?: number;
  /** The HTTP status, if it differs from that of the code (a 415 has the code `invalid_request`). */
  status?: number;
  /** Additional headers of the answer. */
  headers?: Record<string, string>;
  /** Additional fields of the problem document, such as the end of a ban. */
  extra?: Record<string, unknown>;
  /** The reason for the log. Callers never see it. */
  cause?: unknown;
}

/** A failure that the caller may read. `ProblemFilter` turns every other error into `internal`. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: InputFault[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string> | undefined;
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    readonly code: ProblemCode,
    /** One or two sentences: what happened, and what to do. */
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

/** The answer for a thing that does not exist or belongs to another tenant. A caller cannot tell the two apart. */
export function notFound(what: string): Problem {
  return new Problem('not_found', `There is no such ${what}.`);
}

/** The answer to a request with one wrong field. `path` is dotted, as in `InputFault`. */
export function invalid(path: string, message: string): Problem {
  return new Problem('invalid_request', 'Correct the fields named in errors and send the request again.', {
    errors: [{ path, message }],
  });
}

/** A limit that somebody has used up, or has a part of left. */
export interface RateLimit {
  /** Name of the limit in the header fields. */
  policy: string;
  /** How much the limit allows in its window, or at the same time. */
  quota: number;
  /** Length of the window. Without it the limit is on what is under way at the same time. */
  windowSeconds?: number;
}

/**
 * The RateLimit header fields (IETF draft-ietf-httpapi-ratelimit-headers).
 * @param left how much is left.
 * @param moreInSeconds seconds until there is more.
 */
export function rateLimitFields(
  { policy, quota, windowSeconds }: RateLimit,
  left: number,
  moreInSeconds: number,
): Record<string, string> {
  return {
    'ratelimit-policy': `"${policy}";q=${quota}${windowSeconds === undefined ? '' : `;w=${windowSeconds}`}`,
    ratelimit: `"${policy}";r=${left};t=${moreInSeconds}`,
  };
}

/** The problem `rate_limited`, with the RateLimit header fields. Nothing else makes one. */
export function rateLimited(
  detail: string,
  { retryAfterSeconds, cause, ...limit }: RateLimit & { retryAfterSeconds: number; cause?: unknown },
): Problem {
  const headers = rateLimitFields(limit, 0, retryAfterSeconds);
  return new Problem('rate_limited', detail, { retryAfterSeconds, headers, cause });
}

/** The database has refused the credential of the caller in the first statement: nothing was done for them. */
export class CredentialRefused extends Problem {
  constructor() {
    super('unauthenticated', 'The credential was revoked or has expired.');
  }
}
