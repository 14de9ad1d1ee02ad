import { stsErrorXml } from '../accounts/sts.ts';
import type { ServiceModel } from '../wire/model.ts';
import { ServiceError, wireError } from '../wire/service-error.ts';
import { json, type Reply } from './reply.ts';

/** The names that STS uses for errors of AWS's gateway (AWS docs). */
const STS_NAMES: Record<string, string> = {
  InvalidSignatureException: 'SignatureDoesNotMatch',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ExpiredTokenException: 'ExpiredToken',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  IncompleteSignatureException: 'IncompleteSignature',
};

/** The answer for an error, in the form that its service uses. */
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

/** The error for a bug of the emulator. It has the form of an internal error of the service. */
export function internalError(): ServiceError {
  return new ServiceError('InternalServerException', 'the emulator failed; its log says where', {}, 500);
}

/**
 * The error for a call that exceeds its rate. AWS throttles all operations, but the models list an error for it only for
 * three operations of IVS Chat.
 *
 * @param name The name for an operation whose model lists none: the switch `throttlingError`.
 */
export function throttled(operation: string, rate: number, name: string, modelled?: ReadonlySet<string>): ServiceError {
  return new ServiceError(
    modelled?.has('ThrottlingException') ? 'ThrottlingException' : name,
    `${operation} exceeds its rate of ${rate} calls a second`,
    { resourceId: operation, resourceType: 'ROOM', limit: rate },
    429,
  );
}
