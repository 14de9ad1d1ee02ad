import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Database, ReadDatabase, systemScope } from '../database/database.ts';
import type { AuditCheckpoint as CheckpointRow } from '../database/generated/client.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { CheckpointAnswer } from './audit.schemas.ts';
import { type Checkpoint, type Place, signed } from './checkpoint.ts';

/** Largest number of entries between two checkpoints, and of those that are deleted at once. */
const entriesAtOnce = 5_000;

/** A checkpoint is made this time after the one before, if entries have come meanwhile. */
const checkpointAge = '1 hour';

const placeRow = z.object({
  after: z.coerce.bigint().optional(),
  seq: z.coerce.bigint(),
  hash: z.instanceof(Uint8Array).nullable(),
  id: z.string().nullable(),
  problem: z.string().nullable(),
});

/** A place of a hash chain is not as it was written: somebody has changed the audit log from outside. */
export const broken = Symbol('the chain is broken');

/** Entries that are about to be deleted: those after one place, to another one that is signed. */
export interface Cut {
  after: bigint;
  checkpoint: Checkpoint;
}

/** Signs places of the hash chains, and deletes old entries to such a place. It signs only what it has verified. */
@Injectable()
export class AuditCheckpoints {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
    private readonly secrets: Secrets,
    private readonly clock: DatabaseClock,
  ) {}

  /** Signs the next place of a tenant that is due. Returns whether another one may be due; `broken`: it was not signed. */
  async signNext(tenantId: string): Promise<boolean | typeof broken> {
    const args = { tenant: tenantId, age: checkpointAge, most: entriesAtOnce };
    const [found] = await this.database.call('next_checkpoint', args, placeRow);
    const place = this.placeAt(tenantId, 'head', found);
    if (!place) return false;
    if (place === broken) return broken;
    await this.store(signed(place, this.secrets.auditKey));
    return true;
  }

  /** The next entries of a tenant that are older than `before`, if there are any; `broken`: they are not as they were written. */
  async nextCut(tenantId: string, before: Date): Promise<Cut | typeof broken | undefined> {
    const args = { tenant: tenantId, before, most: entriesAtOnce };
    const [found] = await this.database.call('next_cut', args, placeRow);
    const place = this.placeAt(tenantId, 'cut', found);
    if (!place || place === broken) return place;
    return { after: found?.after ?? 0n, checkpoint: signed(place, this.secrets.auditKey) };
  }

  /** For how many seconds the oldest sealed entry of a tenant has been older than `before`; 0 if it is not. */
  async overdueSeconds(tenantId: string, before: Date): Promise<number> {
    return await this.database.value('overdue_audit', { tenant: tenantId, before }, z.number());
  }

  /** Deletes the entries of a cut. Returns how many: none if another replica has done so. */
  async drop({ checkpoint }: Cut): Promise<number> {
    const { tenantId, seq } = checkpoint;
    await this.store(checkpoint);
    return await this.database.value('drop_audit', { tenant: tenantId, seq: String(seq) }, z.number());
  }

  /** Lists the checkpoints of the caller's tenant, the newest first. */
  async list(caller: TenantCaller, query: ListQuery): Promise<Page<CheckpointAnswer>> {
    const before = readCursor(query.cursor, /^\d{1,18}[hc]$/);
    const { tenantId } = caller;
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.auditCheckpoint.findMany({
        where: { tenantId, ...(before !== undefined && behind(before)) },
        orderBy: [{ seq: 'desc' }, { isCut: 'desc' }],
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, ({ seq, isCut }) => `${seq}${isCut ? 'c' : 'h'}`, toAnswer);
  }

  /** A place that is as it was written. Others are left as they are, for people to look at. */
  private placeAt(
    tenantId: string,
    kind: Place['kind'],
    found: z.output<typeof placeRow> | undefined,
  ): Place | typeof broken | undefined {
    if (!found) return undefined;
    const { seq, hash, id, problem } = found;
    if (problem !== null || hash === null) {
      new Logger(AuditCheckpoints.name).error(
        { tenantId, seq: String(seq), entryId: id, problem },
        'The audit log of a tenant was changed from outside: audit/verify.js says where. Nothing of it is signed or deleted.',
      );
      return broken;
    }
    return { tenantId, kind, seq, hash, at: this.clock.now() };
  }

  private async store({ tenantId, kind, seq, hash, at, key, signature }: Checkpoint): Promise<void> {
    const bytes = { hash: Buffer.from(hash), signature: Buffer.from(signature) };
    const data = { tenantId, seq, isCut: kind === 'cut', at, key, ...bytes };
    await this.database.inScope(systemScope(tenantId), (tx) =>
      tx.auditCheckpoint.createMany({ data, skipDuplicates: true }),
    );
  }
}

/** At one place, the cut comes before the head. */
function behind(cursor: string) {
  const seq = BigInt(cursor.slice(0, -1));
  return { OR: [{ seq: { lt: seq } }, ...(cursor.endsWith('c') ? [{ seq, isCut: false }] : [])] };
}

/** A row as a checkpoint. */
export function toCheckpoint(row: CheckpointRow): Checkpoint {
  const { tenantId, seq, isCut, hash, at, key, signature } = row;
  return { tenantId, kind: isCut ? 'cut' : 'head', seq, hash, at, key, signature };
}

function toAnswer(row: CheckpointRow): CheckpointAnswer {
  const { kind, seq, hash, at, key, signature } = toCheckpoint(row);
  return {
    kind,
    seq: Number(seq),
    hash: Buffer.from(hash).toString('hex'),
    at: at.toISOString(),
    key,
    signature: Buffer.from(signature).toString('base64url'),
  };
}
