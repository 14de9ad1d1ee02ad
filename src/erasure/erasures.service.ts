import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { ActPace } from '../acts/act-pace.ts';
import type { Action } from '../acts/actions.schemas.ts';
import { ActionsService } from '../acts/actions.service.ts';
import { recordAct } from '../acts/record-act.ts';
import { findAction } from '../acts/shown-action.ts';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { ModerationDatabase, ReadDatabase } from '../database/database.ts';
import type { Erasure as ErasureRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { notFound } from '../errors.ts';
import { grantsToActOn, lockUser, refusePendingGrants } from '../grants/ledger.ts';
import { Secrets } from '../secrets/secrets.ts';
import { TenantSettingsService } from '../tenants/tenant-settings.service.ts';
import type { Erasure, RemainingThing } from './erasures.schemas.ts';

const dayMs = 24 * 3_600_000;

/** Numbers by the name of what was counted, as they stand in a column of JSON. */
export const counts = z.record(z.string(), z.int());

/** Begins erasures of persons, and says how far they have come. `ErasureWorker` carries them out. */
@Injectable()
export class ErasuresService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly reads: ReadDatabase,
    private readonly pace: ActPace,
    private readonly actions: ActionsService,
    private readonly settings: TenantSettingsService,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Begins to erase a user: revokes their grants, as `revokeUser` does, and records the erasure with it. What is written here
   * already has the new name, so that no row is added that would have to be erased.
   * @throws Problem `rate_limited`
   */
  async begin(caller: TenantCaller, userId: string): Promise<Action> {
    const { tenantId } = caller;
    const recorded = await this.database.inTenantOf(caller, async (tx) => {
      await this.pace.assertNotTooFast(tx, caller);
      await lockUser(tx, tenantId, userId);
      await refusePendingGrants(tx, tenantId, { userId });
      const ids = await grantsToActOn(tx, tenantId, { userId });
      const name = await valueIn(
        tx,
        'erased_name',
        { pseudonym: this.secrets.pseudonym(tenantId, userId) },
        z.string(),
      );
      const grants = [{ ids, keepOut: true }];
      const made = await recordAct(tx, caller, { kind: 'user.erase', spaceId: null, userId: name, grants });
      await tx.erasure.create({ data: { tenantId, id: made.id, userId, name } });
      await audit(tx, caller, {
        action: 'user.erase',
        tenantId,
        userId: name,
        subject: made.id,
        details: { grants: ids.length },
        answer: async () => ({ status: 202, body: await findAction(tx, caller, made.id) }),
      });
      return made;
    });
    return await this.actions.carryOut(caller, recorded);
  }

  /** @throws Problem `not_found` */
  async get(caller: TenantCaller, id: string): Promise<Erasure> {
    const { tenantId } = caller;
    const row = await this.reads.inTenantOf(caller, (tx) =>
      tx.erasure.findUnique({ where: { tenantId_id: { tenantId, id } } }),
    );
    if (!row) throw notFound('erasure');
    const { retentionDays } = await this.settings.get(caller);
    return {
      id: row.id,
      name: row.name,
      state: stateOf(row),
      requestedAt: row.requestedAt.toISOString(),
      finishedAt: row.finishedAt?.toISOString() ?? null,
      erased: Object.entries(counts.parse(row.erased)).map(([what, rows]) => ({ what, rows })),
      waitingRows: row.finishedAt === null ? row.waiting : 0,
      remains: remainsOf(row, retentionDays.audit),
    };
  }
}

function stateOf({ finishedAt, place, waiting }: ErasureRow): Erasure['state'] {
  if (finishedAt !== null) return 'finished';
  return place === 0 && waiting > 0 ? 'waiting' : 'running';
}

/** What an erasure does not reach. docs/operations/erase.md says the same, with more words. */
function remainsOf({ requestedAt, finishedAt, name }: ErasureRow, auditDays: number): RemainingThing[] {
  const after = (days: number) => new Date((finishedAt ?? requestedAt).getTime() + days * dayMs).toISOString();
  return [
    {
      what: 'Bans',
      why: `They hold on, under ${name}: a hash of the user id, whose key is not in the database. Lift them to end them.`,
      until: null,
    },
    {
      what: 'Entries of the audit log',
      why: 'Whoever changes an entry breaks the chain that proves the log. Entries end after their days.',
      until: after(auditDays),
    },
    { what: 'Requests with an Idempotency-Key', why: 'Their answers are encrypted, for repeats.', until: after(1) },
    {
      what: 'Events of Amazon IVS that come late',
      why: 'EventBridge may bring one after the erasure.',
      until: after(15),
    },
    { what: 'Free words of others', why: 'Nobody can tell whom a note about somebody else means.', until: null },
    {
      what: 'What is elsewhere',
      why: 'Backups, the journal, the archive of the audit log, receivers of webhooks, and Amazon IVS have copies of their own.',
      until: null,
    },
  ];
}
