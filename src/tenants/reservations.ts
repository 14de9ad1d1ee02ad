import { z } from 'zod';
import { isUniqueViolation } from '../database/database-errors.ts';
import type { Tx } from '../database/database.ts';
import { callIn, runIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import { limits } from '../limits.ts';

/** Kinds of values that are unique in the whole deployment: ARNs of stages and rooms, and pairs of issuer and audience. */
export type ReservationKind = 'stage' | 'room' | 'issuer';

/** Who has reserved a value. */
const reservationHolder = z.object({
  tenant_id: z.string(),
  /** Since when the value is not in use; null: it is in use. */
  released_at: z.date().nullable(),
});
export type ReservationHolder = z.output<typeof reservationHolder>;

/**
 * Reserves a value for a tenant. It fails if any tenant of the deployment, this one included, has reserved it. A value that
 * this tenant has released with `releaseLater` is its own again.
 * @param takenDetail the text for the caller if the value is taken. It must not say which tenant has it.
 * @throws Problem `conflict`. The transaction cannot go on then.
 */
export async function reserve(
  tx: Tx,
  tenantId: string,
  kind: ReservationKind,
  value: string,
  takenDetail: string,
): Promise<void> {
  const where = { tenantId, kind, value, releasedAt: { not: null } };
  const { count } = await tx.reservation.updateMany({ where, data: { releasedAt: null } });
  if (count === 1) return;
  await runIn(tx, 'end_old_reservation', { kind, value, limits });
  try {
    await tx.reservation.createMany({ data: [{ tenantId, kind, value }] });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new Problem('conflict', takenDetail);
  }
}

/** Releases a value that the tenant has reserved. If it has not, nothing happens. */
export async function release(tx: Tx, tenantId: string, kind: ReservationKind, value: string): Promise<void> {
  await tx.reservation.deleteMany({ where: { tenantId, kind, value } });
}

/** Releases a value for the tenant itself at once, and for all others after 30 days (`limits.reservedSeconds`). */
export async function releaseLater(tx: Tx, tenantId: string, kind: ReservationKind, value: string): Promise<void> {
  await tx.$executeRaw`
    update reservations set released_at = now() where tenant_id = ${tenantId} and kind = ${kind} and value = ${value}`;
}

/** Counts the values that the tenant has reserved, also those that it has released for itself only. */
export async function countReservations(tx: Tx, tenantId: string, kind: ReservationKind): Promise<number> {
  return await tx.reservation.count({ where: { tenantId, kind } });
}

/** Who has reserved a value; undefined: nobody. For the operator only. */
export async function holderOf(tx: Tx, kind: ReservationKind, value: string): Promise<ReservationHolder | undefined> {
  const [holder] = await callIn(tx, 'holder_of_reservation', { kind, value }, reservationHolder);
  return holder;
}
