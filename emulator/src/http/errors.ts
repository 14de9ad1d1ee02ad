import { stsErrorXml } from '../accounts/sts.ts';
import type { ServiceModel } from '../wire/model.ts';
import { ServiceError, wireError } from '../wire/service-error.ts';
import { json, type Reply } from './reply.ts';

/** STS has names of its own for what its gateway refuses (AWS docs). */
const STS_NAMES: Record<string, string> = {
  InvalidSignatureException: 'SignatureDoesNotMatch',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
};

/** An error in the wire form of the service it comes from. */
export function errorReply(
  error: ServiceError,
  service: 'sts' | ServiceModel | undefined,
  requestId: string,
): Exclude<Reply, string> {
  const headers = { 'x-amzn-requestid': requestId };
  if (service === 'sts') {
    const named = new ServiceError(STS_NAMES[error.name] ?? error.name, error.message, {}, error.status);
    const body = stsErrorXml(named, requestId);
    return { status: error.status, headers: { ...headers, 'content-type': 'text/xml' }, body };
  }
  const wire = wireError(error, service?.shapes ?? {});
  return json(wire.status, wire.body, { ...headers, ...wire.headers }) as Exclude<Reply, string>;
}

/** A bug of ours, shaped as the service's own failure. */
export function internalError(): ServiceError {
  return new ServiceError('InternalServerException', 'the emulator failed; its log says where', {}, 500);
}

/**
 * The answer to a call above its rate. The models of Chat list it for three operations only, and that of Real-Time
 * for none; AWS throttles the others too, under the same name.
 */
export function throttled(operation: string, rate: number): ServiceError {
  return new ServiceError(
    'ThrottlingException',
    `${operation} exceeds its rate of ${rate} calls a second`,
    { resourceId: operation, resourceType: 'ROOM', limit: rate },
    429,
  );
}
