import { Injectable } from '@nestjs/common';
import { type Caller, callerRef } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { ConsoleSession } from '../http/access.ts';
import { limits } from '../limits.ts';
import { namesOf } from '../tenants/tenants.service.ts';
import { roleWith } from './console-roles.ts';
import type { ShownSession } from './console.schemas.ts';

@Injectable()
export class ConsoleService {
  constructor(private readonly reads: ReadDatabase) {}

  /** Tells the pages of the console who is signed in, and what they may do. */
  async show(caller: Caller, session: ConsoleSession): Promise<ShownSession> {
    const { id, csrfToken, startedAt, name } = session;
    const inTenant = caller.kind === 'operator' ? undefined : caller;
    const scopes = caller.kind === 'apiKey' || caller.kind === 'consoleUser' ? caller.scopes : [];
    const spaceIds = caller.kind === 'apiKey' ? caller.bounds.spaceIds : undefined;
    return {
      id,
      caller: callerRef(caller),
      role: inTenant ? roleWith(scopes) : 'operator',
      name: name ?? null,
      tenant: inTenant ? await this.reads.inTenantOf(inTenant, (tx) => namesOf(tx, inTenant.tenantId)) : null,
      scopes: scopes as ShownSession['scopes'],
      spaceIds: spaceIds ? [...spaceIds] : null,
      csrfToken,
      startedAt: startedAt.toISOString(),
      endsAt: new Date(startedAt.getTime() + limits.consoleSessionSeconds * 1_000).toISOString(),
    };
  }
}
