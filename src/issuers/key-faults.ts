/** Why no keys came from a JWKS URL, coarse enough to tell nobody about the network of the service. */
export const keyFaults = {
  unreachable: 'its key URL cannot be reached',
  redirect: 'its key URL redirects to another one',
  not_found: 'its key URL answers 404',
  error_status: 'its key URL answers with an error',
  not_json: 'its key URL serves something other than JSON',
  x509_certificates: 'its key URL serves X.509 certificates instead of a JWKS',
  discovery_document: 'its key URL serves the discovery document, which names the key URL',
  not_jwks: 'its key URL serves JSON that is no JWKS',
  too_large: 'its key URL serves more than can be read',
  compressed: 'its key URL serves a compressed answer',
  no_usable_key: 'its key URL serves no key that can be used',
} as const;

export type KeyFault = keyof typeof keyFaults;

/** The keys at a JWKS URL cannot be used. The message is for the log only. */
export class KeyFetchError extends Error {
  constructor(
    readonly fault: KeyFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'KeyFetchError';
  }
}

/** The coarse reason of a failed fetch. */
export function faultOf(error: unknown): KeyFault {
  if (error instanceof KeyFetchError) return error.fault;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'too_large' : 'unreachable';
}
