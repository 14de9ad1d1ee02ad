import { BrokenCircuitError } from 'cockatiel';
import { Problem } from '../errors.ts';

/** What went wrong with a call to IVS, in the one word that decides what to do about it. */
export type IvsFailureKind =
  | 'throttled'
  | 'unavailable' // 5xx, timeout, no connection, breaker open
  | 'not_found'
  | 'conflict'
  | 'quota'
  | 'access_denied'
  | 'invalid' // IVS refuses what we sent
  | 'unusable_answer';

/** A call to IVS that did not do what it was asked. */
export class IvsFailure extends Error {
  constructor(
    readonly kind: IvsFailureKind,
    readonly operation: string,
    /** The name of AWS's error, or ours for what came back. */
    readonly awsName: string,
    /** AWS's own words. */
    readonly awsMessage: string,
    cause?: unknown,
  ) {
    super(`${operation}: ${awsName}: ${awsMessage}`, { cause });
    this.name = 'IvsFailure';
  }

  /** Whether the same call may work in a moment. */
  get isTransient(): boolean {
    return this.kind === 'throttled' || this.kind === 'unavailable';
  }

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
        return new Problem('quota_exceeded', `A quota of the AWS account is used up: ${this.awsMessage}`, {
          retryAfterSeconds: 60,
          cause: this,
        });
      case 'not_found':
        return new Problem('ivs_rejected', 'The stage or room of this space is no longer there at Amazon IVS.', {
          retryAfterSeconds: 60,
          cause: this,
        });
      case 'access_denied':
        return new Problem('ivs_rejected', 'The AWS account does not let the service do this: see its IAM policy.', {
          retryAfterSeconds: 60,
          cause: this,
        });
      case 'conflict':
      case 'invalid':
        return new Problem('ivs_rejected', `Amazon IVS refused the request: ${this.awsMessage}`, {
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

const kinds: Readonly<Record<string, IvsFailureKind>> = {
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled', // STS's word, with a status of 400
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

/** Reads an error of the SDK, whatever layer it comes from. */
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

/** Real-Time errors carry their text in `exceptionMessage`; `message` is then only "UnknownError". */
function awsMessage(error: unknown): string {
  const { exceptionMessage, message } = (error ?? {}) as { exceptionMessage?: string; message?: string };
  return exceptionMessage ?? message ?? String(error);
}
