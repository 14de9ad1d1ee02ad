import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Database, type Tx } from '../database/database.ts';
import type { Issuer as IssuerRow, Prisma } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { Secrets } from '../secrets/secrets.ts';
import { release, reserve } from '../tenants/reservations.ts';
import { faultOfJwksUri } from './addresses.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { type CreateIssuerBody, fittingAlgorithms, type Issuer } from './issuers.schemas.ts';
import { publicMembers } from './public-keys.ts';

/** Maximum number of issuers of a tenant. Each can cause fetches of keys. */
const maxIssuers = 100;

@Injectable()
export class IssuersService {
  constructor(
    private readonly database: Database,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly directory: IssuerDirectory,
  ) {}

  /** @throws Problem `conflict` if this or another tenant has registered the pair of issuer and audience. */
  async create(caller: TenantCaller, body: CreateIssuerBody): Promise<Issuer> {
    const fault = body.jwksUri && faultOfJwksUri(body.jwksUri, this.settings.jwksAllowPrivateAddresses);
    if (fault) throw invalid('jwksUri', fault);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      await this.reservePair(tx, caller, body);
      const created = await tx.issuer.create({ data: this.toRow(caller, body) });
      await audit(tx, caller, {
        action: 'issuer.create',
        tenantId: caller.tenantId,
        subject: created.id,
        details: { ...pairOf(created), algorithms: created.algorithms, jwksUri: created.jwksUri },
      });
      return created;
    });
    this.directory.registered();
    return toIssuer(row);
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Issuer>> {
    const after = readCursor(query.cursor);
    const rows = await this.database.inTenantOf(caller, (tx) =>
      tx.issuer.findMany({
        where: { tenantId: caller.tenantId, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toIssuer);
  }

  async get(caller: TenantCaller, id: string): Promise<Issuer> {
    const row = await this.database.inTenantOf(caller, (tx) =>
      tx.issuer.findUnique({ where: { tenantId_id: { tenantId: caller.tenantId, id } } }),
    );
    if (!row) throw notFound('issuer');
    return toIssuer(row);
  }

  /** Deletes an issuer. Its JWTs are refused from now on, and its pair can be registered again. */
  async remove(caller: TenantCaller, id: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.issuer.findUnique({ where: { tenantId_id: { tenantId, id } } });
      const { count } = await tx.issuer.deleteMany({ where: { tenantId, id } });
      if (!row || count === 0) throw notFound('issuer');
      await release(tx, tenantId, 'issuer', reservedValue(row));
      await audit(tx, caller, { action: 'issuer.delete', tenantId, subject: id, details: pairOf(row) });
    });
    this.directory.deleted(tenantId, id);
  }

  /** Reserves the pair for the tenant. No other tenant of the deployment can register it then. */
  private async reservePair(tx: Tx, { tenantId }: TenantCaller, body: CreateIssuerBody): Promise<void> {
    if ((await tx.issuer.count({ where: { tenantId } })) >= maxIssuers) {
      throw new Problem('quota_exceeded', `A tenant can have ${maxIssuers} issuers. Delete one first.`);
    }
    const taken = 'This pair of issuer and audience is registered already.';
    await reserve(tx, tenantId, 'issuer', reservedValue(body), taken);
  }

  private toRow({ tenantId }: TenantCaller, body: CreateIssuerBody): Prisma.IssuerCreateInput {
    const id = newId('iss');
    const owner = { tenantId, column: 'issuers.secret', id };
    const jwks = body.jwks && { keys: body.jwks.keys.map(publicMembers) };
    return {
      tenantId,
      id,
      ...pairOf(body),
      jwksUri: body.jwksUri ?? null,
      ...(jwks && { jwks: jwks as Prisma.InputJsonObject }),
      secret: body.secret === undefined ? null : new Uint8Array(this.secrets.seal(body.secret, owner)),
      algorithms: [...(body.algorithms ?? fittingAlgorithms(body))],
      claims: withoutUndefined(body.claims),
      userIdPrefix: body.userIdPrefix ?? '',
    };
  }
}

function pairOf({ issuer, audience }: { issuer: string; audience: string }) {
  return { issuer, audience };
}

/** One text for the pair. The schema forbids line breaks in both parts, so no two pairs have the same text. */
function reservedValue({ issuer, audience }: { issuer: string; audience: string }): string {
  return `${issuer}\n${audience}`;
}

function withoutUndefined(value: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function toIssuer(row: IssuerRow): Issuer {
  return {
    id: row.id,
    ...pairOf(row),
    ...(row.jwksUri !== null && { jwksUri: row.jwksUri }),
    ...(row.jwks !== null && { jwks: row.jwks as unknown as NonNullable<Issuer['jwks']> }),
    algorithms: row.algorithms as Issuer['algorithms'],
    claims: row.claims as unknown as Issuer['claims'],
    ...(row.userIdPrefix !== '' && { userIdPrefix: row.userIdPrefix }),
    createdAt: row.createdAt.toISOString(),
  };
}
