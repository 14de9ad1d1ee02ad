import { isUniqueViolation } from '../database/database-errors.ts';
import type { Tx } from '../database/database.ts';
import { Problem } from '../errors.ts';

/** Kinds of values that are unique in the whole deployment: ARNs of stages and rooms. */
export type ReservationKind = 'stage' | 'room';

/**
 * Reserves a value for a tenant. It fails if any tenant of the deployment, this one included, has reserved it.
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
