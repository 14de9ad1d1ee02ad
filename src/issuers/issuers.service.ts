import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { callerRef, type TenantCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { Database, ReadDatabase } from '../database/database.ts';
import { type Issuer as IssuerRow, Prisma } from '../database/generated/client.ts';
import { invalid, notFound, Problem } from '../errors.ts';
import type { NewEvent } from '../events/event-log.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { tokensHaveLeft } from '../http/release-window.ts';
import { newId } from '../ids.ts';
import { faultOfUrl } from '../outgoing/addresses.ts';
import { assertBelowQuota } from '../quotas.ts';
import { Secrets } from '../secrets/secrets.ts';
import { defaultAudienceClaim } from './audiences.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { newAlgorithms } from './issuer-changes.ts';
import { keysOf, toColumns } from './issuer-keys.ts';
import { type CreateIssuerBody, defaultAlgorithms, type Issuer, type UpdateIssuerBody } from './issuers.schemas.ts';
import { JwksKeys } from './jwks-keys.ts';
import { publicMembers } from './public-keys.ts';
import { secretBytes } from './shared-secret.ts';

@Injectable()
export class IssuersService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly secrets: Secrets,
    private readonly settings: Settings,
    private readonly directory: IssuerDirectory,
    private readonly jwks: JwksKeys,
  ) {}

  /**
   * Registers an issuer. It tries the JWKS URL once before, so that whoever made a mistake in it sees it. An issuer whose
   * keys cannot be fetched is registered all the same.
   * @throws Problem `conflict` if the tenant has an issuer with this name and this audience in the same claim.
   */
  async create(caller: TenantCaller, body: CreateIssuerBody): Promise<Issuer> {
    const found = await this.lookAt(caller, body.jwksUri);
    const data = await this.toRow(caller, body);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      await assertBelowQuota(tx, caller.tenantId, 'issuers', (take) =>
        tx.issuer.count({ where: { tenantId: caller.tenantId }, take }),
      );
      const created = await tx.issuer.create({ data: { ...data, ...found } }).catch(refuseSecond);
      await audit(tx, caller, {
        action: 'issuer.create',
        tenantId: caller.tenantId,
        subject: created.id,
        details: { ...pairOf(created), algorithms: created.algorithms, jwksUri: created.jwksUri, ...mapOf(body) },
        events: [{ type: 'issuer.created', data: eventDataOf(caller, created) }],
        answer: () => ({ status: 201, body: toIssuer(created) }),
      });
      return created;
    });
    this.directory.registered(caller.tenantId, body.issuer);
    return toIssuer(row);
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<Issuer>> {
    const after = readCursor(query.cursor, idKeys('iss'));
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
   * Changes an issuer in place: all but its name. JWTs that the new version does not accept are refused at once.
   * @throws Problem `invalid_request` if keys and algorithms do not fit each other, or no keys stay; `conflict` as `create`.
   */
  async update(caller: TenantCaller, id: string, body: UpdateIssuerBody): Promise<Issuer> {
    const { tenantId } = caller;
    const found = await this.lookAt(caller, body.jwksUri);
    const sources = await this.toSources(tenantId, id, body);
    const row = await this.database.inTenantOf(caller, async (tx) => {
      const where = { tenantId_id: { tenantId, id } };
      // The version is the lock: a change that another one has overtaken waits for it here, and then reads its outcome.
      const { count } = await tx.issuer.updateMany({ where: { tenantId, id }, data: { version: { increment: 1 } } });
      if (count === 0) throw notFound('issuer');
      const old = await tx.issuer.findUniqueOrThrow({ where });
      const algorithms = newAlgorithms(old, body);
      const { audience, audienceClaim, maxLifeSeconds, claims, roles, userIdPrefix } = body;
      const update = tx.issuer.update({
        where,
        data: {
          ...defined({ audience, audienceClaim, maxLifeSeconds, roles }),
          ...sources,
          ...found,
          algorithms: [...algorithms],
          ...(claims && { claims: withoutUndefined(claims) }),
          ...(userIdPrefix !== undefined && { userIdPrefix: userIdPrefix ?? '' }),
        },
      });
      const updated = await update.catch(refuseSecond);
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
        events: [{ type: 'issuer.updated', data: { ...eventDataOf(caller, updated), changed: Object.keys(body) } }],
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
      const details = pairOf(row);
      const events: NewEvent[] = [{ type: 'issuer.deleted', data: eventDataOf(caller, row) }];
      await audit(tx, caller, { action: 'issuer.delete', tenantId, subject: id, details, events, answer });
    });
    this.directory.forget(tenantId, id);
    await tokensHaveLeft();
  }

  /** Tries a JWKS URL, and returns what the row says about it: nothing if the body has no URL. */
  private async lookAt({ tenantId }: TenantCaller, jwksUri: string | null | undefined) {
    if (jwksUri === undefined) return {};
    if (jwksUri === null) return toColumns({ usable: undefined, fetchedAt: undefined, fault: undefined });
    const fault = faultOfUrl(jwksUri, this.settings.jwksAllowPrivateAddresses);
    if (fault !== undefined) throw invalid('jwksUri', fault);
    return toColumns(await this.jwks.look(tenantId, jwksUri));
  }

  private async toRow({ tenantId }: TenantCaller, body: CreateIssuerBody): Promise<Prisma.IssuerCreateInput> {
    const id = newId('iss');
    return {
      tenantId,
      id,
      ...pairOf(body),
      ...(await this.toSources(tenantId, id, body)),
      algorithms: [...(body.algorithms ?? defaultAlgorithms(body))],
      maxLifeSeconds: body.maxLifeSeconds,
      claims: withoutUndefined(body.claims),
      roles: body.roles ?? {},
      userIdPrefix: body.userIdPrefix ?? '',
    };
  }

  /** The columns of the sources that a body names. Null removes a source. */
  private async toSources(tenantId: string, id: string, { jwksUri, jwks, secret, secretEncoding }: SourcesInput) {
    const owner = { tenantId, column: 'issuers.secret', id };
    const seal = async (text: string) =>
      new Uint8Array(await this.secrets.seal(secretBytes(text, secretEncoding), owner));
    return {
      ...(jwksUri !== undefined && { jwksUri }),
      ...(jwks !== undefined && {
        jwks: jwks === null ? Prisma.DbNull : ({ keys: jwks.keys.map(publicMembers) } as Prisma.InputJsonObject),
      }),
      ...(secret !== undefined && {
        secret: secret === null ? null : await seal(secret),
        secretEncoding: secret === null ? null : (secretEncoding ?? null),
      }),
    };
  }
}

/** Where the keys of an issuer come from, as a body names it. */
type SourcesInput = Pick<UpdateIssuerBody, 'jwksUri' | 'jwks' | 'secret' | 'secretEncoding'>;

function pairOf({ issuer, audience, audienceClaim }: { issuer: string; audience: string; audienceClaim: string }) {
  return { issuer, audience, ...(audienceClaim !== defaultAudienceClaim && { audienceClaim }) };
}

function eventDataOf(caller: TenantCaller, { id, issuer, audience }: IssuerRow) {
  return { issuerId: id, issuer, audience, by: callerRef(caller) };
}

function refuseSecond(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  throw new Problem('conflict', 'The tenant has an issuer with this name and this audience already. Change that one.');
}

/** What an audit entry tells of a map of roles: it decides who moderates. */
function mapOf({ roles }: { roles?: Record<string, string> | undefined }) {
  return roles && { roles };
}

function defined<T extends object>(value: T) {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
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
    ...(row.secretEncoding !== null && { secretEncoding: row.secretEncoding as Issuer['secretEncoding'] }),
    algorithms: row.algorithms as Issuer['algorithms'],
    maxLifeSeconds: row.maxLifeSeconds,
    keys: keysOf(row),
    claims: row.claims as unknown as Issuer['claims'],
    ...(Object.keys(roles).length > 0 && { roles }),
    ...(row.userIdPrefix !== '' && { userIdPrefix: row.userIdPrefix }),
    createdAt: row.createdAt.toISOString(),
  };
}
