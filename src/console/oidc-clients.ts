import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import * as openid from 'openid-client';
import { z } from 'zod';
import { Settings } from '../config.ts';
import { CredentialDatabase, systemScope } from '../database/database.ts';
import { checkedFetch } from '../outgoing/checked-fetch.ts';
import { Secrets } from '../secrets/secrets.ts';
import { sealedFor } from './console-issuers.service.ts';

/** How long the metadata of a provider are used, in milliseconds. */
const metadataMs = 10 * 60_000;

/** After its metadata could not be had, a provider is not asked again for this time, in milliseconds. */
const failedMs = 5_000;

/** Longest time of one request to a provider, in seconds. */
const timeoutSeconds = 6;

/** An identity provider for the console, with what a sign-in needs. */
export interface Provider {
  tenantId: string;
  id: string;
  version: number;
  issuer: string;
  clientId: string;
  scopes: string[];
  claims: { userId: string; name: string };
  config: openid.Configuration;
}

/** A way to sign in to the console of a tenant. */
export interface SignInWay {
  issuerId: string;
  name: string;
}

const claimPaths = z.object({ userId: z.string(), name: z.string() });

/** The clients at the identity providers that tenants have registered for the console. */
@Injectable()
export class OidcClients {
  /** Metadata by client and version. A failure is kept, too, so that strangers cannot cause many requests. */
  private readonly configs = new LRUCache<string, Promise<openid.Configuration>>({ max: 1_000, ttl: metadataMs });

  constructor(
    private readonly database: CredentialDatabase,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
  ) {}

  /** The providers of a tenant, by its slug: none if there is no such tenant. */
  async waysOf(slug: string): Promise<SignInWay[]> {
    const tenantId = await this.tenantWith(slug);
    if (tenantId === null) return [];
    const rows = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.consoleIssuer.findMany({ where: { tenantId }, orderBy: { id: 'asc' } }),
    );
    return rows.map(({ id, name }) => ({ issuerId: id, name }));
  }

  /** The tenant with this slug; null: there is none. */
  async tenantWith(slug: string): Promise<string | null> {
    return await this.database.value('find_console_tenant', { slug }, z.string().nullable());
  }

  /**
   * A provider of a tenant, with its metadata; undefined: the tenant has none with this id.
   * @throws {Error} if the metadata cannot be had, or are not those of the issuer. The message is for the log only.
   */
  async find(tenantId: string, id: string): Promise<Provider | undefined> {
    const row = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.consoleIssuer.findUnique({ where: { tenantId_id: { tenantId, id } } }),
    );
    if (!row) return undefined;
    const { version, issuer, clientId, clientSecret, scopes } = row;
    const secret = clientSecret && (await this.secrets.open(clientSecret, sealedFor(tenantId, id))).toString();
    const config = await this.configOf(`${tenantId} ${id} ${version}`, issuer, clientId, secret);
    return { tenantId, id, version, issuer, clientId, scopes, claims: claimPaths.parse(row.claims), config };
  }

  private async configOf(name: string, issuer: string, clientId: string, secret: string | null) {
    const known = this.configs.get(name);
    if (known) return await known;
    const found = this.discover(issuer, clientId, secret);
    this.configs.set(name, found);
    found.catch(() => this.configs.set(name, found, { ttl: failedMs }));
    return await found;
  }

  private async discover(issuer: string, clientId: string, secret: string | null): Promise<openid.Configuration> {
    const allowPrivateAddresses = this.settings.jwksAllowPrivateAddresses;
    const execute = [openid.enableNonRepudiationChecks]; // the signature of the ID token is checked, too
    // eslint-disable-next-line typescript/no-deprecated -- only where plain HTTP is allowed
    if (allowPrivateAddresses) execute.push(openid.allowInsecureRequests);
    return await openid.discovery(new URL(issuer), clientId, undefined, authenticateWith(secret), {
      execute,
      timeout: timeoutSeconds,
      [openid.customFetch]: async (url, { method, headers, body }) =>
        await checkedFetch(url, { method, headers, body: textOf(body) }, { allowPrivateAddresses }),
    });
  }
}

/** How a client authenticates itself: in the body if the provider says that it takes that, else as HTTP Basic, the default. */
function authenticateWith(secret: string | null): openid.ClientAuth {
  if (secret === null) return openid.None();
  return (server, client, body, headers) => {
    const inBody = server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ?? false;
    const authenticate = inBody ? openid.ClientSecretPost(secret) : openid.ClientSecretBasic(secret);
    authenticate(server, client, body, headers);
  };
}

function textOf(body: openid.FetchBody): string | null {
  if (body === null || body === undefined) return null;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new Error('a request to a provider has a body of another kind');
}
