import type { PageTexts } from '../text/pages.en.ts';
import type { Target } from '../types.ts';

export type Cause = keyof PageTexts['deliveries']['causes'];

/** What the names of errors mean. The service writes the name of the error before the words of AWS. */
const causes: Record<string, Cause> = {
  AccessDeniedException: 'denied',
  AccessDenied: 'denied',
  PendingVerification: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidSignatureException: 'denied',
  InvalidClientTokenId: 'denied',
  ExpiredTokenException: 'denied',
  CredentialsProviderError: 'denied',
  ThrottlingException: 'throttled',
  TooManyRequestsException: 'throttled',
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled',
  NoTurn: 'throttled',
  ServiceQuotaExceededException: 'quota',
};

/** Why a call to IVS has not held yet. */
export function causeOf({ state, lastError }: Pick<Target, 'state' | 'lastError'>): Cause {
  if (lastError === undefined) return 'waiting';
  const known = causes[lastError.split(':')[0] ?? ''];
  return known ?? (state === 'stuck' ? 'refused' : 'unavailable');
}
