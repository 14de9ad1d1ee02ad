import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiKeysService } from '../api-keys/api-keys.service.ts';
import { keyBounds } from '../api-keys/key-authority.ts';
import { assertFromItsAddress } from '../api-keys/key-bounds.ts';
import { audit } from '../audit/audit.ts';
import { BackgroundWork } from '../background.ts';
import type { ApiKeyCaller, Caller, OperatorCaller } from '../caller.ts';
import { CredentialDatabase, Database, systemScope, type Tx } from '../database/database.ts';
import { runIn, type SqlArguments, valueIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import type { ConsoleSession } from '../http/access.ts';
import { newId } from '../ids.ts';
import { Strangers } from '../limiting/strangers.ts';
import { limits } from '../limits.ts';
import { OperatorToken } from '../secrets/operator-token.ts';
import { isSameSecret } from '../secrets/same-secret.ts';
import { Secrets } from '../secrets/secrets.ts';
import { consoleRole, personWith } from './console-roles.ts';
import { assertFromOwnPage, assertNotFromElsewhere } from './own-pages.ts';
import { cookieWith, cookieWithout } from './session-cookie.ts';
import { SessionTokens } from './session-tokens.ts';

/** What `find_console_session` returns. */
const foundSession = z
  .object({
    id: z.string(),
    kind: z.enum(['operator', 'apiKey', 'consoleUser']),
    caller: z.string(),
    startedAt: z.coerce.date(),
    tokenHash: z.string().nullable(),
    rights: z.object({ name: z.string(), scopes: z.array(z.string()), bounds: keyBounds }).nullable(),
    role: consoleRole.nullable(),
    name: z.string().nullable(),
  })
  .nullable();
type FoundSession = NonNullable<z.output<typeof foundSession>>;

/** A request that came with a session of the console. */
export interface SignedIn {
  caller: Caller;
  session: ConsoleSession;
  /** The header `set-cookie` of the answer, if the token is to be renewed. */
  cookie: string | undefined;
}

/** A person as an identity provider of the console has named them. */
export interface NamedPerson {
  tenantId: string;
  issuerId: string;
  /** The version of what the tenant has registered of the provider, as the person was named with it. */
  issuerVersion: number;
  userId: string;
  name: string | null;
}

/** The tenant under which sessions of the operator are on record. */
const operatorTenant = 'operator';

/**
 * The sessions of the console. A session stands for the caller who signed in, and may do what they may: every transaction
 * checks their credential, and that the session has not ended. So it ends with the API key, with the operator's token, and
 * with the sign-out, on all replicas at once.
 */
@Injectable()
export class ConsoleSessions extends BackgroundWork {
  protected readonly everyMs = 10 * 60_000;

  constructor(
    private readonly database: Database,
    private readonly credentials: CredentialDatabase,
    private readonly apiKeys: ApiKeysService,
    private readonly operatorToken: OperatorToken,
    private readonly secrets: Secrets,
    private readonly tokens: SessionTokens,
    private readonly strangers: Strangers,
  ) {
    super();
  }

  /** Deletes sessions that have expired. */
  async run(): Promise<void> {
    let swept: number;
    do swept = await this.database.value('sweep_console_sessions', { limits }, z.coerce.number());
    while (swept === limits.sweptAtOnce);
  }

  /**
   * Signs a person in by an API key or the operator's token.
   * @returns the header `set-cookie` of the answer.
   * @throws Problem `unauthenticated` if the credential is not good; `forbidden` if a page of another origin asks, or the key
   * cannot be used from the address of the request.
   */
  async signIn(request: FastifyRequest, credential: string): Promise<string> {
    assertNotFromElsewhere(request);
    const caller = await this.strangers.meet(request, credential, async () => {
      return await this.callerWith(request, credential);
    });
    const tenantId = caller.kind === 'operator' ? operatorTenant : caller.tenantId;
    const { id, secret, record } = this.newSession(tenantId);
    await this.database.inScope({ tenantId, kind: caller.kind, credential: caller.id }, async (tx) => {
      const tokenHash = caller.kind === 'operator' ? this.operatorToken.hash : null;
      await record(tx, {
        kind: caller.kind,
        caller: caller.id,
        tokenHash,
        issuer: null,
        name: null,
      });
      if (caller.kind === 'operator') return; // the audit log is one of tenants
      await audit(tx, caller, { action: 'consoleSession.create', tenantId, subject: id });
    });
    return cookieWith(this.tokens.make({ tenantId, secret }));
  }

  /**
   * Signs in a person whom an identity provider has named.
   * @returns the header `set-cookie` of the answer; undefined: they have no role of the console, or what the tenant has
   * registered of the provider was changed since it named them.
   */
  async signInPerson(person: NamedPerson): Promise<string | undefined> {
    const { tenantId, issuerId, issuerVersion, userId: caller, name } = person;
    const { id, secret, record } = this.newSession(tenantId);
    const isSignedIn = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const role = await valueIn(
        tx,
        'lock_console_user',
        {
          tenant: tenantId,
          user: caller,
          issuer: issuerId,
          version: issuerVersion,
        },
        consoleRole.nullable(),
      );
      if (role === null) return false;
      await record(tx, {
        kind: 'consoleUser',
        caller,
        tokenHash: null,
        issuer: issuerId,
        name,
      });
      const by = personWith({ tenantId, id: caller, role, sessionId: id });
      const details = { issuer: issuerId, role };
      await audit(tx, by, {
        action: 'consoleSession.create',
        tenantId,
        subject: id,
        details,
      });
      return true;
    });
    return isSignedIn ? cookieWith(this.tokens.make({ tenantId, secret })) : undefined;
  }

  /**
   * Finds the session of a request by the token in its cookie.
   * @throws Problem `unauthenticated` if there is no such session, or it has ended; `forbidden` if a page of another origin
   * sends the request, or a write lacks the origin or the CSRF token.
   */
  async authenticate(request: FastifyRequest, token: string): Promise<SignedIn> {
    assertNotFromElsewhere(request);
    const read = this.tokens.read(token);
    if (!read) throw signedOut();
    const hash = this.secrets.hashSession(read.secret);
    const found = await this.credentials.value(
      'find_console_session',
      { tenant: read.tenantId, hash, limits },
      foundSession,
    );
    if (!found) throw signedOut();
    const csrfToken = this.secrets.csrfToken(read.secret);
    if (request.method !== 'GET' && request.method !== 'HEAD') assertFromOwnPage(request, csrfToken);
    const { id, startedAt, rights, name } = found;
    return {
      caller: this.callerOf(found, read.tenantId),
      session: { id, tenantId: read.tenantId, startedAt, csrfToken, name: rights?.name ?? name ?? undefined },
      cookie: read.ageSeconds >= limits.consoleNoteSeconds ? cookieWith(this.tokens.make(read)) : undefined,
    };
  }

  /** Ends a session. Its cookie is good for nothing from now on, wherever a copy of it is. */
  async signOut(caller: Caller, { id, tenantId }: ConsoleSession): Promise<void> {
    await this.database.inScope(systemScope(tenantId), async (tx) => {
      const ended = await valueIn(tx, 'end_console_session', { tenant: tenantId, session: id }, z.boolean());
      if (!ended || caller.kind === 'operator') return;
      await audit(tx, caller, { action: 'consoleSession.end', tenantId, subject: id });
    });
  }

  /** A session that is about to be recorded: `record` does it, in the transaction of the sign-in. */
  private newSession(tenant: string) {
    const secret = randomBytes(32).toString('base64url');
    const id = newId('cse');
    const hash = this.secrets.hashSession(secret);
    const record = async (tx: Tx, of: SqlArguments) =>
      await runIn(tx, 'begin_console_session', {
        tenant,
        session: id,
        hash,
        ...of,
        limits,
      });
    return { id, secret, record };
  }

  private async callerWith(request: FastifyRequest, credential: string): Promise<ApiKeyCaller | OperatorCaller> {
    if (!credential.startsWith('sk_')) return this.operatorToken.authenticate(credential);
    const caller = await this.apiKeys.authenticate(credential);
    assertFromItsAddress(caller.bounds, request.ip);
    return caller;
  }

  /** The caller for whom a session stands. @throws Problem `unauthenticated` if the operator's token is another one now. */
  private callerOf(found: FoundSession, tenantId: string): Caller {
    const { id, caller, tokenHash, rights, role } = found;
    if (found.kind === 'consoleUser' && role) return personWith({ tenantId, id: caller, role, sessionId: id });
    if (found.kind === 'apiKey' && rights) {
      return { kind: 'apiKey', id: caller, tenantId, scopes: rights.scopes, bounds: rights.bounds, sessionId: id };
    }
    const isPresent = isSameSecret(tokenHash ?? '', this.operatorToken.hash.toString('hex'));
    if (found.kind === 'operator' && isPresent) return { kind: 'operator', id: 'operator' };
    throw signedOut();
  }
}

function signedOut(): Problem {
  return new Problem('unauthenticated', 'The session of the console has ended. Sign in again.', {
    headers: { 'set-cookie': cookieWithout },
  });
}
