import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable, Logger } from '@nestjs/common';
import { audit, type AuditEntry } from '../audit/audit.ts';
import { callerRef, type OperatorCaller, type TenantCaller } from '../caller.ts';
import { isUniqueViolation } from '../database/database-errors.ts';
import { Database, ReadDatabase, type Scope, type Tx } from '../database/database.ts';
import type { SigningKey as SigningKeyRow } from '../database/generated/client.ts';
import { notFound, Problem } from '../errors.ts';
import type { NewEvent } from '../events/event-log.ts';
import { countLiveTokensOfSigningKey, lastTokenExpiries } from '../grants/ledger.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { TenantAttempts } from '../ivs/tenant-attempts.ts';
import { tenantTag } from '../ivs/session-policy.ts';
import { assertBelowQuota } from '../quotas.ts';
import type { Answer } from '../request-context.ts';
import { Secrets } from '../secrets/secrets.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { slugOf } from '../tenants/tenants.service.ts';
import { keyTag, SigningKeyRemoval } from './signing-key-removal.ts';
import type { KilledSigningKey, SigningKey } from './signing-keys.schemas.ts';

const generateKeyPairAsync = promisify(generateKeyPair);

/** The column of the encrypted private key, as `Secrets` takes it. */
export const privateKeyColumn = 'signing_keys.private_key';

/** The answer to the removal of a key that says no more. */
const removed: Answer = { status: 204 };

/** The removal of a key, as the audit log has it and as it is answered. */
interface Removal {
  tenantId: string;
  keyId: string;
  details?: AuditEntry['details'];
  answer: Answer;
}

/**
 * The key pairs that sign the stage tokens of tenants. IVS allows three public keys in an account and Region (service
 * quotas), for all tenants of the account together.
 */
@Injectable()
export class SigningKeysService {
  private readonly logger = new Logger(SigningKeysService.name);

  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly realTime: IvsRealTime,
    private readonly secrets: Secrets,
    private readonly attempts: TenantAttempts,
    private readonly removal: SigningKeyRemoval,
  ) {}

  /** Makes the first key of a tenant. @throws Problem `conflict` if the tenant has an active key. */
  async create(caller: TenantCaller): Promise<SigningKey> {
    return await this.attempts.limit(caller.tenantId, () =>
      this.import(caller, 'signingKey.create', async (tx) => {
        if (await this.hasActiveKey(tx, caller.tenantId)) throw alreadyActive();
        return [];
      }),
    );
  }

  /** Replaces the active key by a new one. Tokens that the old key has signed stay valid until they expire. */
  async rotate(caller: TenantCaller): Promise<SigningKey> {
    const { tenantId } = caller;
    return await this.attempts.limit(tenantId, () =>
      this.import(caller, 'signingKey.rotate', async (tx) => {
        const where = { tenantId, state: 'active' };
        return await tx.signingKey.updateManyAndReturn({ where, data: { state: 'retiring' }, select: { id: true } });
      }),
    );
  }

  async list(caller: TenantCaller, query: ListQuery): Promise<Page<SigningKey>> {
    const { tenantId } = caller;
    return await this.reads.inTenantOf(caller, (tx) => this.listIn(tx, tenantId, query));
  }

  /** Lists the signing keys of a tenant for the operator. @throws Problem `not_found` */
  async listOf(caller: OperatorCaller, tenantId: string, query: ListQuery): Promise<Page<SigningKey>> {
    return await this.reads.inScope(operatorScope(caller, tenantId), async (tx) => {
      await slugOf(tx, tenantId); // throws if there is no such tenant
      return await this.listIn(tx, tenantId, query);
    });
  }

  private async listIn(tx: Tx, tenantId: string, query: ListQuery): Promise<Page<SigningKey>> {
    const after = readCursor(query.cursor, idKeys('sgk'));
    const rows = await tx.signingKey.findMany({
      where: { tenantId, arn: { not: null }, removedAt: null, ...(after !== undefined && { id: { gt: after } }) },
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
  }

  /**
   * Removes the key from IVS, so that its tokens are not valid any more. If it was the active key, IVS makes the stage
   * tokens of the tenant from now on.
   * @throws Problem `not_found`, or for a failure of IVS.
   */
  async remove(caller: TenantCaller, keyId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, (tx) =>
      this.recordRemoval(tx, caller, { tenantId, keyId, answer: removed }),
    );
    await this.removal.finishFor(tenantId, keyId);
  }

  /**
   * Removes the key from IVS, as `remove` does.
   * @returns the number of unexpired tokens of the key that this voids, `mostTokensCounted` at most; null if they could not be
   * counted in time. That keeps no key from being removed.
   * @throws Problem `not_found`, or for a failure of IVS.
   */
  async kill(caller: TenantCaller, keyId: string): Promise<KilledSigningKey> {
    const { tenantId } = caller;
    const voided = await this.reads
      .inTenantOf(caller, (tx) => countLiveTokensOfSigningKey(tx, tenantId, keyId))
      .catch((error: unknown) => {
        this.logger.warn({ signingKeyId: keyId, err: error }, 'The tokens of a signing key could not be counted.');
        return null;
      });
    await this.database.inTenantOf(caller, (tx) =>
      this.recordRemoval(tx, caller, {
        tenantId,
        keyId,
        details: { voided },
        answer: { status: 200, body: { voided } },
      }),
    );
    await this.removal.finishFor(tenantId, keyId);
    return { voided };
  }

  /** Takes a key back from a tenant, as `remove` does. The audit log of the tenant tells. */
  async removeOf(caller: OperatorCaller, tenantId: string, keyId: string): Promise<void> {
    await this.database.inScope(operatorScope(caller, tenantId), async (tx) => {
      await slugOf(tx, tenantId); // throws if there is no such tenant
      await this.recordRemoval(tx, caller, { tenantId, keyId, answer: removed });
    });
    await this.removal.finishFor(tenantId, keyId);
  }

  private async recordRemoval(
    tx: Tx,
    caller: TenantCaller | OperatorCaller,
    { tenantId, keyId, details = {}, answer }: Removal,
  ): Promise<void> {
    const { count } = await tx.signingKey.updateMany({
      where: { tenantId, id: keyId, arn: { not: null }, removedAt: null },
      data: { state: 'deleting' },
    });
    if (count === 0) throw notFound('signing key');
    await audit(tx, caller, {
      action: 'signingKey.delete',
      tenantId,
      subject: keyId,
      details,
      answer: () => answer,
    });
  }

  /**
   * Makes a key pair: records it, imports its public key to IVS, and then makes it active.
   * @param retire runs in the transaction that makes the key active. It returns the keys that were active before.
   */
  private async import(
    caller: TenantCaller,
    action: string,
    retire: (tx: Tx) => Promise<{ id: string }[]>,
  ): Promise<SigningKey> {
    const { tenantId } = caller;
    const id = newId('sgk');
    const { publicKey, privateKey } = await generateKeyPairAsync('ec', {
      namedCurve: 'P-384',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    });
    const sealed = Uint8Array.from(await this.secrets.seal(privateKey, { tenantId, column: privateKeyColumn, id }));
    const record = async (tx: Tx) => {
      if (action === 'signingKey.create' && (await this.hasActiveKey(tx, tenantId))) throw alreadyActive();
      await assertBelowQuota(tx, tenantId, 'signingKeys', (take) =>
        tx.signingKey.count({ where: { tenantId, removedAt: null }, take }),
      );
      await tx.signingKey.create({ data: { tenantId, id, state: 'importing', privateKey: sealed, publicKey } });
      return await accountOf(tx, tenantId);
    };
    const account = await this.database.inTenantOf(caller, record).catch(async (error: unknown) => {
      const isFull = error instanceof Problem && error.code === 'quota_exceeded';
      if (isFull && (await this.removal.removeIdle(tenantId))) return await this.database.inTenantOf(caller, record);
      throw error;
    });
    try {
      const tags = { [tenantTag]: tenantId, [keyTag]: id };
      const importToIvs = () => this.realTime.importPublicKey(account, id, publicKey, tags);
      const { arn } = await importToIvs().catch(async (error: unknown) => {
        const isFull = error instanceof IvsFailure && error.kind === 'quota';
        if (isFull && (await this.removal.removeIdle(tenantId))) return await importToIvs();
        throw error;
      });
      return await this.database.inTenantOf(caller, async (tx) => {
        const retired = await retire(tx);
        const row = await tx.signingKey.update({
          where: { tenantId_id: { tenantId, id } },
          data: { arn, state: 'active' },
        });
        const made = toSigningKey(row, undefined);
        const answer = () => ({ status: 201, body: made });
        const by = callerRef(caller);
        const events: NewEvent[] = [
          { type: 'signing_key.created', data: { keyId: id, arn, by } },
          ...retired.map((key) => ({
            type: 'signing_key.retired' as const,
            data: { keyId: key.id, replacedBy: id, by },
          })),
        ];
        await audit(tx, caller, { action, tenantId, subject: id, details: { arn }, events, answer });
        return made;
      });
    } catch (error) {
      // The answer does not wait for the removal. If IVS may have imported the key, only the sweeper removes it, a minute
      // later. If IVS has refused it, there is nothing to look for.
      const failure = error instanceof IvsFailure ? error : undefined;
      if (failure && !failure.mayHaveWorked) void this.removal.forget(tenantId, id).catch(() => undefined);
      if (!failure) void this.removal.finish(tenantId, id).catch(() => undefined);
      if (isUniqueViolation(error)) throw alreadyActive();
      throw error instanceof IvsFailure ? error.toProblem() : error;
    }
  }

  private async hasActiveKey(tx: Tx, tenantId: string): Promise<boolean> {
    return (await tx.signingKey.count({ where: { tenantId, state: 'active' } })) > 0;
  }
}

function operatorScope(caller: OperatorCaller, tenantId: string): Scope {
  return { tenantId, kind: 'operator', credential: caller.id };
}

function alreadyActive(): Problem {
  return new Problem('conflict', 'The tenant has an active signing key. Rotate it, or delete it and try again.');
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
