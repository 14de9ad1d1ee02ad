/** Who makes a request, as its credential says. Services take it first: what they may see and do follows from it. */
export type Caller = OperatorCaller | TenantCaller;

/** A caller that belongs to a tenant. */
export type TenantCaller = ApiKeyCaller | UserCaller;

/** The holder of the deployment's operator token: manages tenants, sees nothing inside one. */
export interface OperatorCaller {
  kind: 'operator';
  id: 'operator';
}

/** A tenant's own back end or administrator, by API key. */
export interface ApiKeyCaller {
  kind: 'apiKey';
  /** Id of the key (`key_…`). */
  id: string;
  tenantId: string;
  scopes: readonly string[];
}

/** A person of the tenant's, by a JWT of an issuer the tenant registered. */
export interface UserCaller {
  kind: 'user';
  /** The tenant's own user id, byte for byte (after the issuer's prefix, if it has one). */
  id: string;
  tenantId: string;
  issuerId: string;
  /** Name of a role, as the token claims it; counts only if the tenant defined such a role. */
  role: string | undefined;
  /** The verified claims, for attribute templates. */
  claims: Readonly<Record<string, unknown>>;
}

/** A caller as answers and audit entries show it. */
export interface CallerRef {
  kind: Caller['kind'];
  id: string;
}

export function callerRef(caller: Caller): CallerRef {
  return { kind: caller.kind, id: caller.id };
}

/** The credential's own id: what the database looks up to see that it still holds. */
export function credentialId(caller: Caller): string {
  return caller.kind === 'user' ? caller.issuerId : caller.id;
}
