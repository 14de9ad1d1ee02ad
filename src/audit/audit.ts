import { type Caller, callerRef } from '../caller.ts';
import type { Prisma } from '../database/generated/client.ts';
import type { Tx } from '../database/database.ts';
import { runIn } from '../database/sql-call.ts';
import { type NewEvent, writeEvents } from '../events/event-log.ts';
import { newId } from '../ids.ts';
import { type Answer, currentRequest } from '../request-context.ts';

/** One change, as the audit log stores it. */
export interface AuditEntry {
  /** What was done: the kind of thing and the verb, such as `space.create`. */
  action: string;
  /** The tenant whose data was changed. */
  tenantId: string;
  spaceId?: string;
  userId?: string;
  /** Id of the thing that was created, changed or removed. */
  subject?: string;
  /** More facts for a reader of the log. Never a secret or a token. */
  details?: Record<string, Prisma.InputJsonValue | null>;
  /** What the tenant's own systems are told of the change: events in the order in which they happen. */
  events?: NewEvent[];
  /**
   * The answer to the request as it is when the change is committed. If the replica dies before it answers, a repeated
   * request with the same `Idempotency-Key` gets it. Only a route that gives tokens has none: a repeat gives new tokens.
   */
  answer?: () => Answer | Promise<Answer>;
}

/**
 * Writes the audit entry of a change and its events, in the transaction of the change. Every operation that changes something calls this
 * exactly once, after the change. `AuditSealer` adds the entry to the tenant's hash chain within about a second.
 */
export async function audit(tx: Tx, caller: Caller | { kind: 'system'; id: string }, entry: AuditEntry): Promise<void> {
  await auditBeside(tx, caller, entry);
  await noteApplied(tx, entry.tenantId, entry.answer);
}

/** Notes in the transaction of a change that the request has made it. `audit` does it, and who writes the entry in SQL. */
export async function noteApplied(tx: Tx, tenantId: string, answer: AuditEntry['answer']): Promise<void> {
  await currentRequest()?.markApplied?.(tx, tenantId, await answer?.());
}

/** Writes the audit entry of a change that is not the one that the request asks for, as `audit` does. */
export async function auditBeside(
  tx: Tx,
  caller: Caller | { kind: 'system'; id: string },
  entry: AuditEntry,
): Promise<void> {
  await runIn(tx, 'write_audit_entry', {
    tenant: entry.tenantId,
    id: newId('aud'),
    caller: caller.kind === 'system' ? caller : callerRef(caller),
    action: entry.action,
    space: entry.spaceId ?? null,
    user: entry.userId ?? null,
    subject: entry.subject ?? null,
    details: entry.details ?? {},
    request: currentRequest()?.requestId ?? 'background',
  });
  await writeEvents(tx, entry.tenantId, entry.events ?? []);
}
