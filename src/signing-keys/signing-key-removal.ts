import { Injectable, Logger } from '@nestjs/common';
import { auditBeside } from '../audit/audit.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, systemScope } from '../database/database.ts';
import type { SigningKey as SigningKeyRow } from '../database/generated/client.ts';
import { writeEvents } from '../events/event-log.ts';
import { lastTokenExpiries, revokeGrantsOfSigningKey } from '../grants/ledger.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import { accountOf } from '../tenants/tenant-account.ts';

/** A retiring key is removed this long after its last token has expired, because the clock of IVS may be behind. */
const expiredForMs = 60_000;

/** Tag of a public key at IVS. Its value is the id of the signing key. */
export const keyTag = 'stagedoor:signing-key';

/**
 * Removes signing keys from IVS, and then their records. Everything is safe to repeat, and the sweeper repeats it after a
 * crash or an outage of IVS.
 */
@Injectable()
export class SigningKeyRemoval {
  private readonly logger = new Logger(SigningKeyRemoval.name);

  constructor(
    private readonly database: Database,
    private readonly realTime: IvsRealTime,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Removes a key from IVS and then from the database, unless it is active. It is safe to repeat after an interrupted import
   * or removal.
   * @throws {IvsFailure}
   */
  async finish(tenantId: string, keyId: string): Promise<void> {
    if (await this.voidTokens(tenantId, keyId)) await this.forgetRemoved(tenantId, keyId);
  }

  /**
   * Removes a key whose deletion is recorded from IVS. It does not wait for the rows of the grants.
   * @throws Problem for a failure of IVS.
   */
  async finishFor(tenantId: string, keyId: string): Promise<void> {
    try {
      await this.voidTokens(tenantId, keyId);
    } catch (error) {
      throw error instanceof IvsFailure ? error.toProblem() : error;
    }
    // If this is interrupted, the sweeper does it a minute later.
    void this.forgetRemoved(tenantId, keyId).catch((error: unknown) => {
      this.logger.warn({ signingKeyId: keyId, err: error }, 'the grants of a deleted key are marked later');
    });
  }

  /**
   * Notes that IVS does not have a key any more, because somebody has deleted it there. Its tokens are worth nothing, so the
   * ledger shows their grants as revoked, and IVS makes the stage tokens of the tenant if the key was the active one.
   */
  async noteMissing(tenantId: string, keyId: string): Promise<void> {
    const isNoted = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const { count } = await tx.signingKey.updateMany({
        where: { tenantId, id: keyId, state: { in: ['active', 'retiring'] } },
        data: { state: 'deleting', removedAt: this.clock.now() },
      });
      if (count === 0) return false;
      const by = { kind: 'system', id: 'key-comparison' } as const;
      await auditBeside(tx, by, {
        action: 'signingKey.delete',
        tenantId,
        subject: keyId,
        details: { missingAtIvs: true },
        events: [{ type: 'signing_key.deleted', data: { keyId } }],
      });
      return true;
    });
    if (isNoted) await this.forgetRemoved(tenantId, keyId);
  }

  /** Removes the retiring and deleted keys of a tenant that no unexpired token needs. Returns whether it removed any. */
  async removeIdle(tenantId: string): Promise<boolean> {
    const idle = await this.database.inScope(systemScope(tenantId), async (tx) => {
      const retiring = await tx.signingKey.findMany({ where: { tenantId, state: { in: ['retiring', 'deleting'] } } });
      const ids = retiring.map(({ id }) => id);
      const expiries = await lastTokenExpiries(tx, tenantId, ids);
      const unneededAt = this.clock.now().getTime() - expiredForMs;
      return ids.filter((id) => (expiries.get(id)?.getTime() ?? 0) < unneededAt);
    });
    const removals = await Promise.allSettled(idle.map((id) => this.finish(tenantId, id)));
    return removals.some(({ status }) => status === 'fulfilled');
  }

  /**
   * Removes all keys of a tenant that is being ended from IVS. No token of them is worth anything from then on. It is safe to
   * repeat.
   * @throws {IvsFailure}
   */
  async removeAll(tenantId: string): Promise<void> {
    const ids = await this.database.inScope(systemScope(tenantId), async (tx) => {
      await tx.signingKey.updateMany({ where: { tenantId }, data: { state: 'deleting' } });
      return (await tx.signingKey.findMany({ where: { tenantId }, select: { id: true } })).map(({ id }) => id);
    });
    for (const id of ids) await this.finish(tenantId, id);
  }

  /** The keys of a tenant that IVS may have, by ARN; by id if nobody knows yet whether IVS has it. */
  async namesOf(tenantId: string): Promise<string[]> {
    const rows = await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.signingKey.findMany({ where: { tenantId, removedAt: null }, select: { id: true, arn: true } }),
    );
    return rows.map(({ id, arn }) => arn ?? id);
  }

  /** Deletes the record of a key that IVS does not have. */
  async forget(tenantId: string, id: string): Promise<void> {
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.signingKey.deleteMany({ where: { tenantId, id, state: 'importing' } }),
    );
  }

  /**
   * Removes a key from IVS, unless it is active. From then on the ledger shows the grants of its tokens as revoked. Returns
   * whether the key is removed.
   */
  private async voidTokens(tenantId: string, keyId: string): Promise<boolean> {
    const { row, account } = await this.database.inScope(systemScope(tenantId), async (tx) => ({
      row: await tx.signingKey.findUnique({ where: { tenantId_id: { tenantId, id: keyId } } }),
      account: await accountOf(tx, tenantId),
    }));
    if (!row || row.state === 'active') return false;
    if (row.removedAt !== null) return true;
    await this.removeFromIvs(account, row);
    await this.database.inScope(systemScope(tenantId), async (tx) => {
      const { count } = await tx.signingKey.updateMany({
        where: { tenantId, id: keyId, removedAt: null },
        data: { state: 'deleting', removedAt: this.clock.now() },
      });
      // A key that was never active is nothing that a reader knows of.
      if (count === 0 || row.arn === null) return;
      await writeEvents(tx, tenantId, [{ type: 'signing_key.deleted', data: { keyId } }]);
    });
    return true;
  }

  /** Marks the grants of a removed key as revoked, in steps, and then deletes its record. */
  private async forgetRemoved(tenantId: string, keyId: string): Promise<void> {
    await revokeGrantsOfSigningKey(this.database, tenantId, keyId);
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.signingKey.deleteMany({ where: { tenantId, id: keyId, removedAt: { not: null } } }),
    );
  }

  private async removeFromIvs(account: IvsTenant, row: SigningKeyRow): Promise<void> {
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
}
