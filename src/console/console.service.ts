import { Injectable } from '@nestjs/common';
import { type ApiKeyCaller, type Caller, callerRef } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import { type ConsoleSession, hasScope } from '../http/access.ts';
import { limits } from '../limits.ts';
import { namesOf } from '../tenants/tenants.service.ts';
import type { ShownSession } from './console.schemas.ts';

@Injectable()
export class ConsoleService {
  constructor(private readonly reads: ReadDatabase) {}

  /** Tells the pages of the console who is signed in, and what they may do. */
  async show(caller: Caller, session: ConsoleSession): Promise<ShownSession> {
    const { id, csrfToken, startedAt, keyName } = session;
    const key = caller.kind === 'apiKey' ? caller : undefined;
    return {
      id,
      caller: callerRef(caller),
      role: key ? roleOf(key) : 'operator',
      name: keyName ?? null,
      tenant: key ? await this.reads.inTenantOf(key, (tx) => namesOf(tx, key.tenantId)) : null,
      scopes: (key?.scopes ?? []) as ShownSession['scopes'],
      spaceIds: key?.bounds.spaceIds ? [...key.bounds.spaceIds] : null,
      csrfToken,
      startedAt: startedAt.toISOString(),
      endsAt: new Date(startedAt.getTime() + limits.consoleSessionSeconds * 1_000).toISOString(),
    };
  }
}

function roleOf({ scopes }: ApiKeyCaller): ShownSession['role'] {
  if (scopes.includes('*')) return 'admin';
  return hasScope(scopes, 'moderation:write') ? 'moderator' : 'viewer';
}
