import { ServiceError } from './service-error.ts';
import type { OperationModel, ServiceModel } from './model.ts';

/** The operation that a request asks for, and the label in its path if there is one. */
export interface Route {
  operation: OperationModel;
  label: string | undefined;
}

const TAG_OPERATIONS: Record<string, string> = {
  GET: 'ListTagsForResource',
  POST: 'TagResource',
  DELETE: 'UntagResource',
};

/**
 * Finds the operation of a request. Most operations are `POST /<Name>`. Both services have the three operations of
 * `/tags/{resourceArn}`. For these, the ARN shows the service. If it does not, the credential scope does.
 *
 * @param signedFor The service in the credential scope, if the request is signed.
 * @returns `undefined` when the path belongs to neither service.
 */
export function findRoute(
  services: readonly ServiceModel[],
  method: string,
  path: string,
  signedFor: string | undefined,
): Route | undefined {
  if (path.startsWith('/tags/')) {
    const label = decode(path.slice('/tags/'.length));
    const byArn = services.find((service) => label?.startsWith(`arn:aws:${service.name}:`));
    const service = byArn ?? services.find((candidate) => candidate.name === signedFor) ?? services[0];
    const operation = service?.operations.get(TAG_OPERATIONS[method] ?? '');
    return operation && { operation, label };
  }
  if (method !== 'POST') return undefined;
  for (const service of services) {
    const operation = service.operations.get(path.slice(1));
    if (operation) return { operation, label: undefined };
  }
  return undefined;
}

function decode(label: string): string | undefined {
  try {
    return decodeURIComponent(label);
  } catch {
    return undefined;
  }
}

/** The error for a path that belongs to no operation. */
export function unknownOperation(method: string, path: string): ServiceError {
  const message = `${method} ${path.slice(0, 200)} is no operation of IVS Real-Time, IVS Chat or the emulated part of STS`;
  return new ServiceError('UnknownOperationException', message, {}, 404);
}
