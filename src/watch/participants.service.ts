import { Injectable } from '@nestjs/common';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { Grant } from '../database/generated/client.ts';
import { newestGrantsOfParticipants } from '../grants/ledger.ts';
import { type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import type { Participant as IvsParticipant } from '../ivs/ivs-real-time.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { ConnectedParticipants } from './connected-participants.ts';
import type { Participant } from './participants.schemas.ts';

/** Lists the connected participants of a stage, with their roles and grants from the ledger. */
@Injectable()
export class ParticipantsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly authority: Authority,
    private readonly connected: ConnectedParticipants,
  ) {}

  /**
   * Lists one page of participants, in the order of their ids. A space without a stage has none.
   * @throws Problem `not_found`, `forbidden` or `banned`, or for a failure of IVS.
   */
  async list(caller: TenantCaller, spaceId: string, query: ListQuery): Promise<Page<Participant>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor);
    const { space, account } = await this.database.inTenantOf(caller, async (tx) => {
      const found = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      return { space: found, account: await accountOf(tx, tenantId) };
    });
    if (space.stageArn === null) return { data: [], nextCursor: null };
    const connected = await this.connected.on(account, space.stageArn).catch((error: unknown) => {
      throw error instanceof IvsFailure ? error.toProblem() : error;
    });
    const rows = connected
      .filter(({ participantId }) => after === undefined || participantId > after)
      .slice(0, query.limit + 1);
    const ids = rows.map((row) => row.participantId);
    const grants = await this.database.inTenantOf(caller, (tx) =>
      newestGrantsOfParticipants(tx, tenantId, spaceId, ids),
    );
    return toPage(
      rows,
      query.limit,
      (row) => row.participantId,
      (row) => toParticipant(row, grants.get(row.participantId)),
    );
  }
}

function toParticipant(row: IvsParticipant, grant: Grant | undefined): Participant {
  return {
    participantId: row.participantId,
    userId: grant?.userId ?? row.userId,
    ...(grant && { role: grant.role, grantId: grant.id }),
    state: row.state,
    publishing: row.published,
    ...(row.firstJoinTime && { joinedAt: row.firstJoinTime.toISOString() }),
  };
}
