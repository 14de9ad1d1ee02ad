import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { Database, systemScope, type Tx } from '../database/database.ts';
import type { SigningKey as SigningKeyRow } from '../database/generated/client.ts';
import { notFound, Problem } from '../errors.ts';
import { lastTokenExpiries, revokeGrantsOfSigningKey } from '../grants/ledger.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { Secrets } from '../secrets/secrets.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import type { SigningKey } from './signing-keys.schemas.ts';

const generate = promisify(generateKeyPair);

/** Column of the sealed private half, as `Secrets` names it. */
export const privateKeyColumn = 'signing_keys.private_key';

const keyTag = 'stagedoor:signing-key';

/** The key pairs a tenant's stage tokens are signed with. IVS holds three public keys in a Region, of all tenants. */
@Injectable()
export class SigningKeysService {
  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
    private readonly secrets: Secrets,
  ) {}

  /** @throws Problem `conflict` if the tenant signs already. */
  async create(caller: TenantCaller): Promise<SigningKey> {
    return await this.import(caller, 'signingKey.create', async (tx) => {
      if (await this.active(tx, caller.tenantId)) throw alreadyActive();
    });
  }

  /** Signs with a new key from now on; what the old one signed goes on working until it expires. */
  async rotate(caller: TenantCaller): Promise<SigningKey> {
    const { tenantId } = caller;
    return await this.import(caller, 'signingKey.rotate', async (tx) => {
      await tx.signingKey.updateMany({ where: { tenantId, state: 'active' }, data: { state: 'retiring' } });
    });
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<SigningKey>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor);
    return await this.database.inTenantOf(caller, async (tx) => {
      const rows = await tx.signingKey.findMany({
        where: { tenantId, arn: { not: null }, ...(after !== undefined && { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: query.limit + 1,
      });
      const expiries = await lastTokenExpiries(
        tx,
        tenantId,
        rows.map((row) => row.id),
      );
      return toPage(
        rows,
        query.limit,
        (row) => row.id,
        (row) => toSigningKey(row, expiries.get(row.id)),
      );
    });
  }

  /** Removes the key from IVS, which voids what it signed; stage tokens come from IVS then, if it was the active one. */
  async remove(caller: TenantCaller, keyId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const { count } = await tx.signingKey.updateMany({
        where: { tenantId, id: keyId, arn: { not: null } },
        data: { state: 'deleting' },
      });
      if (count === 0) throw notFound('signing key');
      await audit(tx, caller, { action: 'signingKey.delete', tenantId, subject: keyId });
    });
    try {
      await this.finishRemoval(tenantId, keyId);
    } catch (error) {
      throw error instanceof IvsFailure ? error.toProblem() : error;
    }
  }

  /** Takes a key away from IVS and from here, wherever its making or removal had got to. @throws {IvsFailure} */
  async finishRemoval(tenantId: string, keyId: string): Promise<void> {
    const { row, account } = await this.database.inScope(systemScope(tenantId), async (tx) => ({
      row: await tx.signingKey.findUnique({ where: { tenantId_id: { tenantId, id: keyId } } }),
      account: await accountOf(tx, tenantId),
    }));
    if (!row || row.state === 'active') return;
    await this.removeFromIvs(account, row);
    await this.database.inScope(systemScope(tenantId), async (tx) => {
      await revokeGrantsOfSigningKey(tx, tenantId, keyId);
      await tx.signingKey.deleteMany({ where: { tenantId, id: keyId } });
    });
  }

  private async removeFromIvs(account: IvsAccount, row: SigningKeyRow): Promise<void> {
    const arns =
      row.arn !== null
        ? [row.arn]
        : (await this.realTime.listPublicKeys(account))
            .filter(({ tags }) => tags?.[keyTag] === row.id)
            .map(({ arn }) => arn);
    for (const arn of arns) {
      await this.realTime.deletePublicKey(account, arn).catch((error: unknown) => {
        if (!(error instanceof IvsFailure && error.kind === 'not_found')) throw error;
      });
    }
  }

  /** Removes the tenant's retired keys that no unexpired token needs. Tells whether that freed a place at IVS. */
  private async removeIdle(tenantId: string): Promise<boolean> {
    const idle = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const retiring = await tx.signingKey.findMany({ where: { tenantId, state: { in: ['retiring', 'deleting'] } } });
      const ids = retiring.map(({ id }) => id);
      const expiries = await lastTokenExpiries(tx, tenantId, ids);
      return ids.filter((id) => (expiries.get(id)?.getTime() ?? 0) < Date.now());
    });
    const removals = await Promise.allSettled(idle.map((id) => this.finishRemoval(tenantId, id)));
    return removals.some(({ status }) => status === 'fulfilled');
  }

  /** Makes a pair: on record, then imported, then active. `before` runs in the transaction that makes it active. */
  private async import(caller: TenantCaller, action: string, before: (tx: Tx) => Promise<void>): Promise<SigningKey> {
    const { tenantId } = caller;
    const id = newId('sgk');
    const { publicKey, privateKey } = await generate('ec', {
      namedCurve: 'P-384',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    const sealed = Uint8Array.from(this.secrets.seal(privateKey, { tenantId, column: privateKeyColumn, id }));
    const account = await this.database.inTenantOf(caller, async (tx) => {
      if (action === 'signingKey.create' && (await this.active(tx, tenantId))) throw alreadyActive();
      await tx.signingKey.create({ data: { tenantId, id, state: 'importing', privateKey: sealed, publicKey } });
      return await accountOf(tx, tenantId);
    });
    try {
      const tags = { 'stagedoor:tenant': tenantId, [keyTag]: id };
      const toIvs = () => this.realTime.importPublicKey(account, id, publicKey, tags);
      const { arn } = await toIvs().catch(async (error: unknown) => {
        const isFull = error instanceof IvsFailure && error.kind === 'quota';
        if (isFull && (await this.removeIdle(tenantId))) return await toIvs();
        throw error;
      });
      return await this.database.inTenantOf(caller, async (tx) => {
        await before(tx);
        const row = await tx.signingKey.update({
          where: { tenantId_id: { tenantId, id } },
          data: { arn, state: 'active' },
        });
        await audit(tx, caller, { action, tenantId, subject: id, details: { arn } });
        return toSigningKey(row, undefined);
      });
    } catch (error) {
      // Nobody has to wait for this. If IVS did not answer, it may be importing yet: then the sweeper looks, later.
      const unanswered = error instanceof IvsFailure && error.isTransient;
      if (!unanswered) void this.finishRemoval(tenantId, id).catch(() => undefined);
      if (isUniqueViolation(error)) throw alreadyActive();
      throw error instanceof IvsFailure ? error.toProblem() : error;
    }
  }

  private async active(tx: Tx, tenantId: string): Promise<boolean> {
    return (await tx.signingKey.count({ where: { tenantId, state: 'active' } })) > 0;
  }
}

function alreadyActive(): Problem {
  return new Problem('conflict', 'The tenant has an active signing key. Rotate it, or delete it first.');
}

function toSigningKey(row: SigningKeyRow, lastTokenExpiresAt: Date | undefined): SigningKey {
  return {
    id: row.id,
    arn: row.arn ?? '',
    state: row.state === 'active' ? 'active' : 'retiring',
    createdAt: row.createdAt.toISOString(),
    lastTokenExpiresAt: lastTokenExpiresAt?.toISOString() ?? null,
  };
}
