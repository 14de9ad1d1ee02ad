import type { ApiKeyCaller } from '../caller.ts';
import { assertFromItsAddress } from '../api-keys/key-bounds.ts';
import { Problem } from '../errors.ts';
import type { Access, AuthenticatedRequest } from '../http/access.ts';
import { memberOf, spaceOf } from './place.ts';

/** Scopes whose writes give a role to somebody. A key that is bound to roles names the role there. */
const roleGiving = new Set(['tokens:vend', 'members:write']);

/** Scopes that decide what a role is, or who has one. */
const roleMaking = new Set(['roles:write', 'issuers:write']);

/**
 * Checks that a key is used within its bounds: from one of its addresses, in one of its spaces, and for its roles. What does
 * not name a space concerns the whole tenant. It is refused to a key that is bound to spaces, unless the route says that its
 * service sees to that (`keepsBounds`).
 * @throws Problem `forbidden`
 */
export function assertWithinBounds(
  { bounds }: ApiKeyCaller,
  access: Extract<Access, { scope: unknown }>,
  request: AuthenticatedRequest,
): void {
  const { roles, spaceIds } = bounds;
  assertFromItsAddress(bounds, request.ip);
  if ((roles || spaceIds) && roleMaking.has(access.scope) && request.method !== 'GET') {
    throw new Problem('forbidden', 'A key that is bound to roles or spaces cannot change roles or issuers.');
  }
  if (spaceIds && access.keepsBounds !== true) assertInSpaces(spaceIds, request);
  if (roles) assertForRoles(roles, access.scope, request);
}

function assertInSpaces(spaceIds: readonly string[], request: AuthenticatedRequest): void {
  const space = spaceOf(request);
  if (typeof space === 'string' && spaceIds.includes(space)) return;
  throw new Problem(
    'forbidden',
    space === undefined
      ? 'This API key is bound to spaces, and this concerns the whole tenant. Name one of its spaces as spaceId, where the route takes it.'
      : 'This API key is bound to other spaces.',
  );
}

function assertForRoles(roles: readonly string[], scope: string, request: AuthenticatedRequest): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const role = memberOf(request.body, 'role');
  const given = [role, memberOf(request.body, 'defaultRole')].filter((one) => one !== undefined && one !== null);
  const gives = roleGiving.has(scope) && typeof role !== 'string';
  if (gives || !given.every((one) => typeof one === 'string' && roles.includes(one))) {
    throw new Problem('forbidden', `This API key gives only these roles, each by its name: ${roles.join(', ')}.`);
  }
}
