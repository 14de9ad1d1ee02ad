import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { OperatorCaller } from '../caller.ts';
import { Database } from '../database/database.ts';
import { notFound } from '../errors.ts';
import { limits } from '../limits.ts';
import { holderOf, release, type ReservationHolder } from '../tenants/reservations.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import type { ReservedPair, ReservedPairQuery } from './issuers.schemas.ts';
import { pairOf, reservedValue } from './issuers.service.ts';

/** Lets the operator see which tenant has a pair of issuer and audience, and release it. */
@Injectable()
export class ReservedPairsService {
  constructor(
    private readonly database: Database,
    private readonly directory: IssuerDirectory,
  ) {}

  /** @throws Problem `not_found` if nobody has the pair. */
  async get(_caller: OperatorCaller, pair: ReservedPairQuery): Promise<ReservedPair> {
    const { tenant_id: tenantId, released_at: releasedAt } = await this.holderOf(pair);
    const until = releasedAt && new Date(releasedAt.getTime() + limits.reservedSeconds * 1000);
    const state = until ? 'reserved' : 'registered';
    return { ...pairOf(pair), tenantId, state, reservedUntil: until?.toISOString() ?? null };
  }

  /**
   * Releases a pair, and deletes the issuer that has it. The tenant's own audit log records it.
   * @throws Problem `not_found` if nobody has the pair.
   */
  async release(caller: OperatorCaller, pair: ReservedPairQuery): Promise<void> {
    const { tenant_id: tenantId } = await this.holderOf(pair);
    const scope = { tenantId, kind: 'operator', credential: caller.id } as const;
    const issuerId = await this.database.inScope(scope, async (tx) => {
      const row = await tx.issuer.findFirst({ where: { tenantId, ...pairOf(pair) }, select: { id: true } });
      if (row) await tx.issuer.deleteMany({ where: { tenantId, id: row.id } });
      await release(tx, tenantId, 'issuer', reservedValue(pair));
      const subject = row ? { subject: row.id } : {};
      const answer = () => ({ status: 204 });
      await audit(tx, caller, { action: 'issuer.release', tenantId, ...subject, details: pairOf(pair), answer });
      return row?.id;
    });
    if (issuerId !== undefined) this.directory.forget(tenantId, issuerId);
  }

  private async holderOf(pair: ReservedPairQuery): Promise<ReservationHolder> {
    const holder = await this.database.asOperator((tx) => holderOf(tx, 'issuer', reservedValue(pair)));
    if (!holder) throw notFound('pair of issuer and audience');
    return holder;
  }
}
