import { Problem } from '../errors.ts';
import type { AuthenticatedRequest } from '../http/access.ts';
import type { Place } from '../issuers/issuer-directory.ts';

/** The header in which a user names the tenant that they call, by its slug or its id. */
export const tenantHeader = 'x-stagedoor-tenant';

/**
 * What a request is about, before its caller is known: the space that it names, and the tenant in its header. Nobody has
 * checked either, and a text that cannot be an id counts as absent.
 * @throws Problem `invalid_request` if the header is no name of a tenant.
 */
export function placeOf(request: AuthenticatedRequest): Place {
  const space = spaceOf(request);
  const tenant = request.headers[tenantHeader];
  if (tenant !== undefined && (typeof tenant !== 'string' || !/^[a-z0-9_-]{1,64}$/.test(tenant))) {
    throw new Problem('invalid_request', `${tenantHeader} must be the slug or the id of a tenant.`);
  }
  return { spaceId: typeof space === 'string' && /^spc_[0-9a-z]{26}$/.test(space) ? space : undefined, tenant };
}

/** The space that a request names: in the path; else a read in its query, and a write in its body. */
export function spaceOf(request: AuthenticatedRequest): unknown {
  const inPath = memberOf(request.params, 'spaceId');
  if (inPath !== undefined) return inPath;
  return memberOf(request.method === 'GET' || request.method === 'HEAD' ? request.query : request.body, 'spaceId');
}

/** An own member of an object; undefined if there is none. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
