import type { IncomingMessage } from 'node:http';
import { isStsOperation, type StsOperation } from '../accounts/sts.ts';
import type { ServiceModel } from '../wire/model.ts';
import { findRoute, type Route, unknownOperation } from '../wire/routes.ts';
import { type Authorization, parseAuthorization } from '../accounts/sigv4.ts';

/** A request to one of the AWS services, before its signature is checked. */
export interface AwsRequest {
  id: string;
  method: string;
  path: string;
  query: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  authorization: Authorization | undefined;
  target: { service: 'sts'; name: StsOperation; form: URLSearchParams } | ({ service: 'ivs' | 'ivschat' } & Route);
}

/**
 * Finds the operation that a request asks for.
 *
 * @param id The request id for the answer. An answer to an unknown operation has one too.
 * @throws ServiceError for an unknown operation or a malformed Authorization header.
 */
export function readAwsRequest(
  id: string,
  request: IncomingMessage,
  body: Buffer,
  services: readonly ServiceModel[],
): AwsRequest {
  const [path, query] = splitOnce(request.url ?? '/', '?');
  const method = request.method ?? 'GET';
  const { headers } = request;
  const authorization = headers.authorization === undefined ? undefined : parseAuthorization(headers.authorization);
  const common = { id, method, path, query, headers, body, authorization };
  if (path === '/' && method === 'POST') {
    const form = new URLSearchParams(body.toString());
    const action = form.get('Action');
    if (isStsOperation(action)) return { ...common, target: { service: 'sts', name: action, form } };
    throw unknownOperation(method, `/ with Action=${action}`);
  }
  const route = findRoute(services, method, path, authorization?.service);
  if (!route) throw unknownOperation(method, path);
  return { ...common, target: { service: route.operation.service.name, ...route } };
}

/** The name of the operation that a request asks for. */
export function nameOf(request: AwsRequest): string {
  const { target } = request;
  return target.service === 'sts' ? target.name : target.operation.name;
}

function splitOnce(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}
