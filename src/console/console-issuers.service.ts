import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase } from '../database/database.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import type { ConsoleIssuer as ConsoleIssuerRow } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { faultOfUrl } from '../outgoing/addresses.ts';
import { assertBelowQuota } from '../quotas.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { ConsoleIssuer, CreateConsoleIssuerBody, UpdateConsoleIssuerBody } from './console-issuers.schemas.ts';
import { assertUnbound, endSessions } from './console-users.service.ts';

/** The identity providers with which people of a tenant sign in to the console. */
@Injectable()
export class ConsoleIssuersService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly clock: DatabaseClock,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
  ) {}

  /** @throws Problem `conflict` if the tenant has registered this client of this issuer already. */
  async create(caller: TenantCaller, body: CreateConsoleIssuerBody): Promise<ConsoleIssuer> {
    assertUnbound(caller);
    this.assertMayBeCalled(body.issuer);
    const { tenantId } = caller;
    const { clientSecret, ...columns } = body;
    const id = newId('cis');
    const sealed = await this.seal(tenantId, id, clientSecret ?? null);
    return await this.database.inTenantOf(caller, async (tx) => {
      await assertBelowQuota(tx, tenantId, 'consoleIssuers', (take) =>
        tx.consoleIssuer.count({ where: { tenantId }, take }),
      );
      const data = {
        tenantId,
        id,
        ...columns,
        clientSecret: sealed,
      };
      const row = await tx.consoleIssuer.create({ data }).catch(refuseSecond);
      const details = {
        issuer: row.issuer,
        clientId: row.clientId,
        claims: columns.claims,
      };
      const answer = () => ({ status: 201, body: toConsoleIssuer(row) });
      await audit(tx, caller, {
        action: 'consoleIssuer.create',
        tenantId,
        subject: id,
        details,
        answer,
      });
      return toConsoleIssuer(row);
    });
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<ConsoleIssuer>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor, idKeys('cis'));
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.consoleIssuer.findMany({
        where: { tenantId, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toConsoleIssuer);
  }

  async get(caller: TenantCaller, id: string): Promise<ConsoleIssuer> {
    const where = { tenantId_id: { tenantId: caller.tenantId, id } };
    const row = await this.reads.inTenantOf(caller, (tx) => tx.consoleIssuer.findUnique({ where }));
    if (!row) throw notFound('identity provider for the console');
    return toConsoleIssuer(row);
  }

  /** Changes it in place: all but its issuer. @throws Problem as `create`; `not_found` */
  async update(caller: TenantCaller, id: string, body: UpdateConsoleIssuerBody): Promise<ConsoleIssuer> {
    assertUnbound(caller);
    const { tenantId } = caller;
    const { name, clientId, clientSecret, scopes, claims } = body;
    const namesPeopleAnew = clientId !== undefined || claims !== undefined;
    const sealed = await this.seal(tenantId, id, clientSecret ?? null);
    const updated = await this.database.inTenantOf(caller, async (tx) => {
      const [row] = await tx.consoleIssuer
        .updateManyAndReturn({
          where: { tenantId, id },
          data: {
            ...(name !== undefined && { name }),
            ...(clientId !== undefined && { clientId }),
            ...(clientSecret !== undefined && {
              clientSecret: sealed,
            }),
            ...(scopes !== undefined && { scopes }),
            ...(claims !== undefined && { claims }),
            version: { increment: 1 },
            updatedAt: this.clock.now(),
          },
        })
        .catch(refuseSecond);
      if (!row) throw notFound('identity provider for the console');
      if (namesPeopleAnew) await endSessions(tx, tenantId, id, null);
      const details = {
        issuer: row.issuer,
        clientId: row.clientId,
        changed: Object.keys(body),
        ...(claims && { claims }),
      };
      const answer = () => ({ status: 200, body: toConsoleIssuer(row) });
      await audit(tx, caller, {
        action: 'consoleIssuer.update',
        tenantId,
        subject: id,
        details,
        answer,
      });
      return toConsoleIssuer(row);
    });
    if (namesPeopleAnew) await tokensHaveLeft();
    return updated;
  }

  /** Deletes it, with the roles of everybody who signs in with it, and their sessions. */
  async remove(caller: TenantCaller, id: string): Promise<void> {
    assertUnbound(caller);
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.consoleIssuer.findUnique({
        where: { tenantId_id: { tenantId, id } },
      });
      const { count } = await tx.consoleIssuer.deleteMany({
        where: { tenantId, id },
      });
      if (!row || count === 0) throw notFound('identity provider for the console');
      await endSessions(tx, tenantId, id, null);
      const details = { issuer: row.issuer, clientId: row.clientId };
      const answer = () => ({ status: 204 });
      await audit(tx, caller, {
        action: 'consoleIssuer.delete',
        tenantId,
        subject: id,
        details,
        answer,
      });
    });
    await tokensHaveLeft();
  }

  private assertMayBeCalled(issuer: string): void {
    const fault = faultOfUrl(issuer, this.settings.jwksAllowPrivateAddresses);
    if (fault !== undefined) throw invalid('issuer', fault);
    if (new URL(issuer).search !== '') throw invalid('issuer', 'must not have a query');
  }

  private async seal(tenantId: string, id: string, secret: string | null) {
    return secret === null ? null : new Uint8Array(await this.secrets.seal(secret, sealedFor(tenantId, id)));
  }
}

/** The place of the secret of a client. */
export function sealedFor(tenantId: string, id: string) {
  return { tenantId, column: 'console_issuers.client_secret', id };
}

function refuseSecond(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  throw new Problem('conflict', 'The tenant has registered this client of this issuer already. Change that one.');
}

function toConsoleIssuer(row: ConsoleIssuerRow): ConsoleIssuer {
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    clientId: row.clientId,
    hasClientSecret: row.clientSecret !== null,
    scopes: row.scopes,
    claims: row.claims as ConsoleIssuer['claims'],
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
