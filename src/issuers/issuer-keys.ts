import { Injectable, Logger } from '@nestjs/common';
import { Database, systemScope } from '../database/database.ts';
import type { Issuer as IssuerRow } from '../database/generated/client.ts';
import { type NewEvent, writeEvents } from '../events/event-log.ts';
import type { Issuer } from './issuers.schemas.ts';
import type { KeyFault } from './key-faults.ts';
import type { FoundKeys } from './jwks-keys.ts';
import { usableKeys } from './public-keys.ts';

/** What the columns of an issuer say about the keys at its JWKS URL. */
export function toColumns({ usable, fetchedAt, fault }: FoundKeys) {
  return { keysUsable: usable ?? null, keysFetchedAt: fetchedAt ?? null, keysFault: fault ?? null };
}

/** What an answer says about the keys of an issuer. */
export function keysOf(row: IssuerRow): Issuer['keys'] {
  const inline = (row.jwks as { keys: unknown[] } | null)?.keys ?? [];
  const atHand = usableKeys(inline).length + (row.secret === null ? 0 : 1);
  const usable = atHand + (row.jwksUri === null ? 0 : (row.keysUsable ?? 0));
  const fetchedAt = row.keysFetchedAt === null ? {} : { fetchedAt: row.keysFetchedAt.toISOString() };
  if (row.jwksUri === null) return { state: 'ok', usable };
  if (row.keysFault !== null) {
    return { state: 'failing', usable, ...fetchedAt, reason: row.keysFault as KeyFault };
  }
  if (row.keysUsable === null) return { state: 'unknown', usable };
  return row.keysUsable === 0
    ? { state: 'failing', usable, ...fetchedAt, reason: 'no_usable_key' }
    : { state: 'ok', usable, ...fetchedAt };
}

/** The issuers whose keys are not known to fail, as `keysOf` says it. */
const notFailing = { keysFault: null, OR: [{ keysUsable: null }, { keysUsable: { not: 0 } }] };

/**
 * Writes down what the fetches of this replica have found, so that every replica answers the same. It changes no version:
 * nobody's JWT is refused by it. A lost write does no harm: the next news, or the next good fetch, is written again.
 */
@Injectable()
export class IssuerKeys {
  private readonly logger = new Logger(IssuerKeys.name);

  constructor(private readonly database: Database) {}

  async note(tenantId: string, jwksUri: string, found: FoundKeys): Promise<void> {
    try {
      await this.database.inScope(systemScope(tenantId), async (tx) => {
        const data = toColumns(found);
        const reason = found.fault ?? (found.usable === 0 ? 'no_usable_key' : undefined);
        if (reason !== undefined) {
          const select = { id: true, issuer: true } as const;
          // Those that were not failing: each failing has one event, whichever replica notes it first.
          const failing = await tx.issuer.updateManyAndReturn({
            where: { tenantId, jwksUri, ...notFailing },
            data,
            select,
          });
          const events = failing.map(({ id, issuer }): NewEvent => ({
            type: 'issuer.failing',
            data: { issuerId: id, issuer, reason },
          }));
          await writeEvents(tx, tenantId, events);
        }
        await tx.issuer.updateMany({ where: { tenantId, jwksUri }, data });
      });
    } catch (error) {
      this.logger.debug({ err: error }, 'The state of the keys of an issuer could not be written down.');
    }
  }
}
