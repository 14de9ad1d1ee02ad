import { type Caller, callerRef } from '../caller.ts';
import type { Prisma } from '../database/generated/client.ts';
import type { Tx } from '../database/database.ts';
import { runIn } from '../database/sql-call.ts';
import { newId } from '../ids.ts';
import { currentRequest } from '../request-context.ts';

/** One act, as the audit log keeps it. */
export interface AuditEntry {
  /** What was done: the thing and the verb, such as `space.create`. */
  action: string;
  /** Whose things it was done to. */
  tenantId: string;
  spaceId?: string;
  userId?: string;
  /** Id of what was made, changed or removed. */
  subject?: string;
  /** What else a reader will want to know. Never a secret or a token. */
  details?: Record<string, Prisma.InputJsonValue | null>;
}

/**
 * Writes down a mutation, in its own transaction: every operation that changes something calls this exactly once, after
 * the change. The entry gets its place in the tenant's hash chain within about a second.
 */
export async function audit(tx: Tx, caller: Caller | { kind: 'system'; id: string }, entry: AuditEntry): Promise<void> {
  const request = currentRequest();
  await runIn(tx, 'write_audit_entry', {
    tenant: entry.tenantId,
    id: newId('aud'),
    caller: caller.kind === 'system' ? caller : callerRef(caller),
    action: entry.action,
    space: entry.spaceId ?? null,
    user: entry.userId ?? null,
    subject: entry.subject ?? null,
    details: entry.details ?? {},
    request: request?.requestId ?? 'background',
  });
  await request?.markApplied?.(tx, entry.tenantId);
}
