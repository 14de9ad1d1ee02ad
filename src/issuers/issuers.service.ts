import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { Database, ReadDatabase } from '../database/database.ts';
import { type Issuer as IssuerRow, Prisma } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { assertBelowQuota } from '../quotas.ts';
import { Secrets } from '../secrets/secrets.ts';
import { faultOfJwksUri } from './addresses.ts';
import { defaultAudienceClaim } from './audiences.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { newKeys } from './issuer-changes.ts';
import { type CreateIssuerBody, fittingAlgorithms, type Issuer, type UpdateIssuerBody } from './issuers.schemas.ts';
import { type Jwk, publicMembers } from './public-keys.ts';

@Injectable()
export class IssuersService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly directory: IssuerDirectory,
  ) {}

  /** @throws Problem `conflict` if the tenant has an issuer with this name and this audience in the same claim. */
  async create(caller: TenantCaller, body: CreateIssuerBody): Promise<Issuer> {
    this.assertMayFetch(body.jwksUri);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      await assertBelowQuota(tx, caller.tenantId, 'issuers', (take) =>
        tx.issuer.count({ where: { tenantId: caller.tenantId }, take }),
      );
      const created = await tx.issuer.create({ data: this.toRow(caller, body) }).catch(refuseSecond);
      await audit(tx, caller, {
        action: 'issuer.create',
        tenantId: caller.tenantId,
        subject: created.id,
        details: { ...pairOf(created), algorithms: created.algorithms, jwksUri: created.jwksUri, ...mapOf(body) },
        answer: () => ({ status: 201, body: toIssuer(created) }),
      });
      return created;
    });
    this.directory.registered(caller.tenantId, body.issuer);
    return toIssuer(row);
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Issuer>> {
    const after = readCursor(query.cursor);
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.issuer.findMany({
        where: { tenantId: caller.tenantId, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toIssuer);
  }

  async get(caller: TenantCaller, id: string): Promise<Issuer> {
    const row = await this.reads.inTenantOf(caller, (tx) =>
      tx.issuer.findUnique({ where: { tenantId_id: { tenantId: caller.tenantId, id } } }),
    );
    if (!row) throw notFound('issuer');
    return toIssuer(row);
  }

  /**
   * Changes an issuer in place: its keys, algorithms or claims. JWTs that the new version does not accept are refused at once.
   * @throws Problem `invalid_request` if keys and algorithms do not fit each other.
   */
  async update(caller: TenantCaller, id: string, body: UpdateIssuerBody): Promise<Issuer> {
    const { tenantId } = caller;
    this.assertMayFetch(body.jwksUri);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const where = { tenantId_id: { tenantId, id } };
      // The version is the lock: a change that another one has overtaken waits for it here, and then reads its outcome.
      const { count } = await tx.issuer.updateMany({ where: { tenantId, id }, data: { version: { increment: 1 } } });
      if (count === 0) throw notFound('issuer');
      const old = await tx.issuer.findUniqueOrThrow({ where });
      const { source, algorithms } = newKeys(old, body);
      const updated = await tx.issuer.update({
        where,
        data: {
          ...(source && this.toSource(tenantId, id, source)),
          algorithms: [...algorithms],
          ...(body.claims && { claims: withoutUndefined(body.claims) }),
          ...(body.roles && { roles: body.roles }),
        },
      });
      await audit(tx, caller, {
        action: 'issuer.update',
        tenantId,
        subject: id,
        details: {
          ...pairOf(updated),
          changed: Object.keys(body),
          algorithms,
          jwksUri: updated.jwksUri,
          ...mapOf(body),
        },
        answer: () => ({ status: 200, body: toIssuer(updated) }),
      });
      return updated;
    });
    this.directory.forget(tenantId, id);
    await tokensHaveLeft();
    return toIssuer(row);
  }

  /** Deletes an issuer. Its JWTs are refused from now on. */
  async remove(caller: TenantCaller, id: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.issuer.findUnique({ where: { tenantId_id: { tenantId, id } } });
      const { count } = await tx.issuer.deleteMany({ where: { tenantId, id } });
      if (!row || count === 0) throw notFound('issuer');
      const answer = () => ({ status: 204 });
      await audit(tx, caller, { action: 'issuer.delete', tenantId, subject: id, details: pairOf(row), answer });
    });
    this.directory.forget(tenantId, id);
    await tokensHaveLeft();
  }

  private assertMayFetch(jwksUri: string | undefined): void {
    const fault = jwksUri && faultOfJwksUri(jwksUri, this.settings.jwksAllowPrivateAddresses);
    if (fault) throw invalid('jwksUri', fault);
  }

  private toRow({ tenantId }: TenantCaller, body: CreateIssuerBody): Prisma.IssuerCreateInput {
    const id = newId('iss');
    return {
      tenantId,
      id,
      ...pairOf(body),
      ...this.toSource(tenantId, id, body),
      algorithms: [...(body.algorithms ?? fittingAlgorithms(body))],
      claims: withoutUndefined(body.claims),
      roles: body.roles ?? {},
      userIdPrefix: body.userIdPrefix ?? '',
    };
  }

  private toSource(tenantId: string, id: string, { jwksUri, jwks, secret }: SourceInput) {
    const owner = { tenantId, column: 'issuers.secret', id };
    return {
      jwksUri: jwksUri ?? null,
      jwks: jwks ? ({ keys: jwks.keys.map(publicMembers) } as Prisma.InputJsonObject) : Prisma.DbNull,
      secret: secret === undefined ? null : new Uint8Array(this.secrets.seal(secret, owner)),
    };
  }
}

/** Where the keys of an issuer come from, as a body names it. */
interface SourceInput {
  jwksUri?: string | undefined;
  jwks?: { keys: Jwk[] } | undefined;
  secret?: string | undefined;
}

function pairOf({ issuer, audience, audienceClaim }: { issuer: string; audience: string; audienceClaim: string }) {
  return { issuer, audience, ...(audienceClaim !== defaultAudienceClaim && { audienceClaim }) };
}

function refuseSecond(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  throw new Problem('conflict', 'The tenant has an issuer with this name and this audience already. Change that one.');
}

/** What an audit entry tells of a map of roles: it decides who moderates. */
function mapOf({ roles }: { roles?: Record<string, string> | undefined }) {
  return roles && { roles };
}

function withoutUndefined(value: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function toIssuer(row: IssuerRow): Issuer {
  const roles = row.roles as Record<string, string>;
  return {
    id: row.id,
    ...pairOf(row),
    ...(row.jwksUri !== null && { jwksUri: row.jwksUri }),
    ...(row.jwks !== null && { jwks: row.jwks as unknown as NonNullable<Issuer['jwks']> }),
    algorithms: row.algorithms as Issuer['algorithms'],
    claims: row.claims as unknown as Issuer['claims'],
    ...(Object.keys(roles).length > 0 && { roles }),
    ...(row.userIdPrefix !== '' && { userIdPrefix: row.userIdPrefix }),
    createdAt: row.createdAt.toISOString(),
  };
}
