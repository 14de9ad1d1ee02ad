import { type Caller, callerRef } from '../caller.ts';
import type { Prisma } from '../database/generated/client.ts';
import type { Tx } from '../database/database.ts';
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
  await tx.$executeRaw`
    insert into audit (tenant_id, id, caller, action, space_id, user_id, subject, details, request_id)
    values (${entry.tenantId}, ${newId('aud')},
            ${JSON.stringify(caller.kind === 'system' ? caller : callerRef(caller))}::jsonb, ${entry.action},
            ${entry.spaceId ?? null}, ${entry.userId ?? null}, ${entry.subject ?? null},
            ${JSON.stringify(entry.details ?? {})}::jsonb, ${request?.requestId ?? 'background'})`;
  await request?.markApplied?.(tx, entry.tenantId);
}
