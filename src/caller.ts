/** Who makes a request, according to its credential. Services take the caller as their first argument. */
export type Caller = OperatorCaller | TenantCaller;

/** A caller that belongs to a tenant. */
export type TenantCaller = ApiKeyCaller | ConsoleUserCaller | UserCaller;

/** The holder of the deployment's operator token. The operator manages tenants, but sees nothing inside a tenant. */
export interface OperatorCaller {
  kind: 'operator';
  id: 'operator';
}

/** A tenant's back end or administrator, who calls with an API key. */
export interface ApiKeyCaller {
  kind: 'apiKey';
  /** Id of the key (`key_…`). */
  id: string;
  tenantId: string;
  /** True for a request that a suspended tenant may not make. The database checks it in every transaction. */
  mustBeActive?: boolean;
  scopes: readonly string[];
  bounds: KeyBounds;
  /** Id of the session of the console that the request came with. Without one it came with the key itself. */
  sessionId?: string;
}

/** What an API key is bound to beside its scopes. A list that is absent does not bind. */
export interface KeyBounds {
  /** Names of the roles that the key may give. */
  roles?: readonly string[] | undefined;
  /** Ids of the spaces in which the key may be used. */
  spaceIds?: readonly string[] | undefined;
  /** Addresses and CIDR ranges from which the key may be used. */
  sourceAddresses?: readonly string[] | undefined;
}

/** A person of the tenant who is signed in to the console with an identity provider. Their role says what they may do. */
export interface ConsoleUserCaller {
  kind: 'consoleUser';
  /** The id that their provider gives them, byte for byte. */
  id: string;
  tenantId: string;
  /** As of an API key. */
  mustBeActive?: boolean;
  /** Their role of the console. The database checks in every transaction that it is still theirs. */
  role: string;
  /** What the role allows. */
  scopes: readonly string[];
  /** Id of the session of the console that the request came with. */
  sessionId: string;
}

/** A user of the tenant's app, who calls with a JWT of an issuer that the tenant registered. */
export interface UserCaller {
  kind: 'user';
  /** The tenant's own user id, byte for byte. If the issuer has a prefix, the id begins with it. */
  id: string;
  tenantId: string;
  /** As of an API key. */
  mustBeActive?: boolean;
  issuerId: string;
  /** The version of the issuer that the JWT was verified with. Each change of the issuer gives it another one. */
  issuerVersion: number;
  /** Names of the roles that the JWT claims. Of those that the tenant has, the one of highest rank counts. */
  roles: readonly string[];
  /** The verified claims of the JWT. Attribute templates use them. */
  claims: Readonly<Record<string, unknown>>;
  /**
   * The text at the issuer's path of the name, or null if there is none. Attribute templates use it as `claims.name`.
   * undefined: the issuer has no such path, so `claims.name` is the claim of this name.
   */
  name: string | null | undefined;
}

/**
 * Whether a thing of this space is there for the caller; null: a thing of the whole tenant. For a key that is bound to spaces,
 * nothing else exists. A route that names a thing by an id of its own checks this in its service (`keepsBounds`).
 */
export function isInBounds(caller: TenantCaller, spaceId: string | null): boolean {
  const bound = caller.kind === 'apiKey' ? caller.bounds.spaceIds : undefined;
  return bound === undefined || (spaceId !== null && bound.includes(spaceId));
}

/** A caller, as answers and audit entries show it. */
export interface CallerRef {
  kind: Caller['kind'];
  id: string;
}

/** Reduces a caller to what answers and audit entries may show. */
export function callerRef(caller: Caller): CallerRef {
  return { kind: caller.kind, id: caller.id };
}

/**
 * Id of the credential. The database looks it up to check that the credential is still valid. Of a user it is the id and the
 * version of the issuer, with a dot between. Of a session of the console it is the id of the key, or the role of the person,
 * and the id of the session.
 */
export function credentialId(caller: Caller): string {
  if (caller.kind === 'user') return `${caller.issuerId}.${caller.issuerVersion}`;
  if (caller.kind === 'consoleUser') return `${caller.role}.${caller.sessionId}`;
  return caller.kind === 'apiKey' && caller.sessionId !== undefined ? `${caller.id}.${caller.sessionId}` : caller.id;
}
