import { BrokenCircuitError } from 'cockatiel';
import { Problem, rateLimited } from '../errors.ts';

/** Kinds of failures of a call to IVS. The kind decides what to do next. */
export type IvsFailureKind =
  | 'throttled'
  | 'unavailable' // 5xx, timeout, no connection, breaker open
  | 'not_found'
  | 'conflict'
  | 'quota'
  | 'access_denied'
  | 'invalid' // IVS refuses the input
  | 'unusable_answer'; // IVS answers with success, but without a required field

/** A call to IVS that failed. */
export class IvsFailure extends Error {
  constructor(
    readonly kind: IvsFailureKind,
    readonly operation: string,
    /** Name of the AWS error, or a name of Stagedoor's if there is none. */
    readonly awsName: string,
    /** Message of the AWS error. */
    readonly awsMessage: string,
    cause?: unknown,
  ) {
    super(`${operation}: ${awsName}: ${awsMessage}`, { cause });
    this.name = 'IvsFailure';
  }

  /** Whether the same call may succeed a moment later. */
  get isTransient(): boolean {
    return this.kind === 'throttled' || this.kind === 'unavailable';
  }

  /**
   * Whether IVS may carry out the call later: it was sent, or may have been, and no answer came. After an answer IVS does
   * nothing more, so an answer of 500 is false here. Who must know when the call is over asks this: a disconnect that comes
   * late closes a new connection. See `mayHaveWorked`.
   */
  get mayBeCarriedOut(): boolean {
    if (this.kind !== 'unavailable' || this.cause instanceof BrokenCircuitError) return false;
    const { code } = (this.cause ?? {}) as { code?: unknown };
    return httpStatus(this.cause) === undefined && !(typeof code === 'string' && codesBeforeSending.has(code));
  }

  /**
   * Whether what the call asked for may exist at IVS, although the call failed. An answer of 500 can come after the work, so
   * it is true here, and so is a success whose answer lacks a field. Who must remove what a failed creation left behind
   * asks this. See `mayBeCarriedOut`.
   */
  get mayHaveWorked(): boolean {
    return this.kind === 'unusable_answer' || (this.kind === 'unavailable' && this.awsName !== 'BreakerOpen');
  }

  /** The problem for the caller of the API. */
  toProblem(): Problem {
    switch (this.kind) {
      case 'throttled':
        return new Problem('ivs_unavailable', 'Amazon IVS is limiting the rate of calls. Try again shortly.', {
          retryAfterSeconds: 1,
          cause: this,
        });
      case 'unavailable':
        return new Problem('ivs_unavailable', 'Amazon IVS does not answer. Try again shortly.', {
          retryAfterSeconds: 2,
          cause: this,
        });
      case 'quota':
        return new Problem(
          'quota_exceeded',
          `A quota of the AWS account is used up. Amazon IVS says: ${this.awsMessage}`,
          {
            retryAfterSeconds: 60,
            cause: this,
          },
        );
      case 'not_found':
        return new Problem('ivs_rejected', 'Amazon IVS no longer has the stage or room of this space.', {
          retryAfterSeconds: 60,
          cause: this,
        });
      case 'access_denied':
        return new Problem(
          'ivs_rejected',
          'The AWS account does not allow the service to do this. Check its IAM policy.',
          {
            retryAfterSeconds: 60,
            cause: this,
          },
        );
      case 'conflict':
      case 'invalid':
        return new Problem('ivs_rejected', `Amazon IVS refused the request. It says: ${this.awsMessage}`, {
          retryAfterSeconds: 60,
          cause: this,
        });
      case 'unusable_answer':
        return new Problem('ivs_rejected', 'Amazon IVS gave an answer that cannot be used. Try again shortly.', {
          retryAfterSeconds: 2,
          cause: this,
        });
    }
  }
}

/** Codes of Node for a connection that was never made. */
const codesBeforeSending = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** A call that was not sent, because more calls wait than the rate of IVS allows. */
export class NoTurn extends IvsFailure {
  /**
   * @param whose whose calls are too many: those of the tenant itself, or those of all tenants of the AWS account.
   * @param perSecond calls a second that IVS accepts from all tenants together.
   */
  constructor(
    operation: string,
    private readonly whose: 'tenant' | 'account',
    private readonly retryAfterSeconds: number,
    private readonly perSecond: number,
  ) {
    super('throttled', operation, 'NoTurn', 'more calls wait than IVS accepts');
  }

  override toProblem(): Problem {
    const { retryAfterSeconds } = this;
    if (this.whose === 'tenant') {
      const detail = 'Too many requests of the tenant wait for Amazon IVS. Send fewer at once, and try again later.';
      const quota = Math.floor(this.perSecond);
      return rateLimited(detail, { policy: 'ivs-calls', quota, windowSeconds: 1, retryAfterSeconds, cause: this });
    }
    const detail = 'More requests wait for Amazon IVS than it accepts. Nothing was sent. Try again later.';
    return new Problem('ivs_unavailable', detail, { retryAfterSeconds, cause: this });
  }
}

const kinds: Readonly<Record<string, IvsFailureKind>> = {
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled', // the name that STS uses, with status 400
  ResourceNotFoundException: 'not_found',
  ConflictException: 'conflict',
  ServiceQuotaExceededException: 'quota',
  AccessDeniedException: 'access_denied',
  AccessDenied: 'access_denied',
  PendingVerification: 'access_denied',
  UnrecognizedClientException: 'access_denied',
  InvalidSignatureException: 'access_denied',
  InvalidClientTokenId: 'access_denied',
  ExpiredTokenException: 'access_denied',
  CredentialsProviderError: 'access_denied',
  ValidationException: 'invalid',
  SyntaxError: 'unusable_answer',
};

/** Translates an error of the SDK, of the network or of the breaker. */
export function toIvsFailure(operation: string, error: unknown): IvsFailure {
  if (error instanceof IvsFailure) return error;
  if (error instanceof BrokenCircuitError) {
    return new IvsFailure(
      'unavailable',
      operation,
      'BreakerOpen',
      'recent calls failed; waiting before the next',
      error,
    );
  }
  const name = error instanceof Error ? error.name : 'Unknown';
  const status = httpStatus(error);
  const kind = kinds[name] ?? kindOfStatus(status);
  return new IvsFailure(kind, operation, name, awsMessage(error), error);
}

function kindOfStatus(status: number | undefined): IvsFailureKind {
  if (status === 429) return 'throttled';
  if (status === 402) return 'quota';
  if (status === 403) return 'access_denied';
  if (status === 404) return 'not_found';
  if (status !== undefined && status >= 200 && status < 300) return 'unusable_answer';
  if (status !== undefined && status >= 400 && status < 500) return 'invalid';
  return 'unavailable';
}

function httpStatus(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata;
  return (
    metadata?.httpStatusCode ?? (error as { $response?: { statusCode?: number } } | undefined)?.$response?.statusCode
  );
}

/** Errors of IVS Real-Time have their text in `exceptionMessage`; their `message` is only "UnknownError". */
function awsMessage(error: unknown): string {
  const { exceptionMessage, message } = (error ?? {}) as { exceptionMessage?: string; message?: string };
  return exceptionMessage ?? message ?? String(error);
}
