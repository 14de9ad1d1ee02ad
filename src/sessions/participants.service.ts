import { Injectable } from '@nestjs/common';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase, type Tx } from '../database/database.ts';
import type { Grant, StageParticipant } from '../database/generated/client.ts';
import { heldGrants, newestGrantsOfParticipants } from '../grants/ledger.ts';
import { behindAllIds, cursorAfter, type Page, participantKeys, readCursor, toPage } from '../http/paging.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import type { Participant as IvsParticipant } from '../ivs/participant-lists.ts';
import { limits } from '../limits.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { type Connected, ConnectedParticipants } from './connected-participants.ts';
import type { Participant, ParticipantsQuery } from './participants.schemas.ts';

/** What the cursor of a page of presumed people begins with. Participant ids have no colon. */
const heldPrefix = 'held:';

/** Keys of the list: the id of a participant, or a place among people presumed. */
const keys = new RegExp(`${participantKeys.source}|^${heldPrefix}(?:${behindAllIds} \\d{4}-\\S+Z (?:grt_\\w+)?)?$`);

/** If IVS cannot be asked now, what the last look has found is shown if it is not older than this, in milliseconds. */
const freshMs = 60_000;

/** Somebody who is on the stage: as IVS lists them, as it was noted, or both. */
interface OnStage {
  participantId: string;
  listed?: IvsParticipant;
  noted?: StageParticipant | undefined;
}

/** Says who is in a space now: as IVS lists them, as its events report, and who holds a token. */
@Injectable()
export class ParticipantsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly authority: Authority,
    private readonly connected: ConnectedParticipants,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Lists one page: those on the stage in the order of their ids, and then those who hold a token.
   * @throws Problem `not_found`, `forbidden` or `banned`, or for a failure of IVS.
   */
  async list(caller: TenantCaller, spaceId: string, query: ParticipantsQuery): Promise<Page<Participant>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor, keys);
    const { space, account } = await this.database.inTenantOf(caller, async (tx) => {
      const found = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      return { space: found, account: await accountOf(tx, tenantId) };
    });
    const wants = new Set(query.certainty);
    const isPastStage = after?.startsWith(heldPrefix) ?? false;
    if (space.stageArn === null || isPastStage || !(wants.has('confirmed') || wants.has('reported'))) {
      if (!wants.has('presumed')) return { data: [], nextCursor: null };
      return await this.presumed(caller, spaceId, query.limit, after?.slice(heldPrefix.length));
    }
    const page = await this.onStage(caller, account, { spaceId, stageArn: space.stageArn }, query, after);
    if (page.nextCursor !== null || !wants.has('presumed')) return page;
    return { ...page, nextCursor: cursorAfter(heldPrefix) };
  }

  private async onStage(
    caller: TenantCaller,
    account: IvsTenant,
    { spaceId, stageArn }: { spaceId: string; stageArn: string },
    { limit, certainty: wants }: ParticipantsQuery,
    after: string | undefined,
  ): Promise<Page<Participant>> {
    const { tenantId } = caller;
    const connected = await this.connected.on(account, stageArn).catch((error: unknown) => {
      if (error instanceof IvsFailure) return error;
      throw error;
    });
    return await this.database.inTenantOf(caller, async (tx) => {
      const failure = connected instanceof IvsFailure ? connected : undefined;
      if (failure && !(failure.isTransient && (await this.isFresh(tx, tenantId, spaceId)))) throw failure.toProblem();
      const list = connected instanceof IvsFailure ? undefined : connected;
      const found = await onStageAfter(tx, tenantId, spaceId, { list, after, limit });
      const shown = found.slice(0, limit);
      const ids = shown.map(({ participantId }) => participantId);
      const grants = await newestGrantsOfParticipants(tx, tenantId, spaceId, ids);
      const page = toPage(
        found,
        limit,
        ({ participantId }) => participantId,
        (one) => toParticipant(one, grants.get(one.participantId), list?.at),
      );
      return { ...page, data: page.data.filter(({ certainty }) => wants.includes(certainty)) };
    });
  }

  /** Whether a look has listed the stage a short time ago. */
  private async isFresh(tx: Tx, tenantId: string, spaceId: string): Promise<boolean> {
    const look = await tx.stageLook.findUnique({ where: { tenantId_spaceId: { tenantId, spaceId } } });
    return look?.lookedAt != null && this.clock.now().getTime() - look.lookedAt.getTime() < freshMs;
  }

  private async presumed(
    caller: TenantCaller,
    spaceId: string,
    limit: number,
    after: string | undefined,
  ): Promise<Page<Participant>> {
    const { tenantId } = caller;
    return await this.database.inTenantOf(caller, async (tx) => {
      const now = this.clock.now();
      const { grants, next } = await heldGrants(tx, tenantId, spaceId, { after, limit, now });
      const ids = grants.flatMap(({ participantId }) => participantId ?? []);
      const here = await tx.stageParticipant.findMany({
        where: { tenantId, spaceId, participantId: { in: ids }, leftAt: null },
        select: { participantId: true },
      });
      const known = new Set(here.map(({ participantId }) => participantId));
      return {
        data: grants.filter((one) => !known.has(one.participantId ?? '')).map(toPresumed),
        nextCursor: next === undefined ? null : cursorAfter(heldPrefix + next),
      };
    });
  }
}

/**
 * Who is on the stage, behind an id and at most one more than `limit`: those whom IVS lists, and those of whom something was
 * noted since the list was begun. Without a list: those who were noted.
 */
async function onStageAfter(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  { list, after = '', limit }: { list: Connected | undefined; after?: string | undefined; limit: number },
): Promise<OnStage[]> {
  const where = { tenantId, spaceId, leftAt: null };
  const since = list && new Date(list.at.getTime() - limits.presenceMarginSeconds * 1_000);
  const noted = await tx.stageParticipant.findMany({
    where: { ...where, participantId: { gt: after }, ...(since && { seenAt: { gte: since } }) },
    orderBy: { participantId: 'asc' },
    take: limit + 1,
  });
  const listed = (list?.participants ?? []).filter(({ participantId }) => participantId > after).slice(0, limit + 1);
  const ids = listed.map(({ participantId }) => participantId);
  const ofListed = await tx.stageParticipant.findMany({ where: { ...where, participantId: { in: ids } } });
  const all = new Map<string, OnStage>(noted.map((one) => [one.participantId, { ...one, noted: one }]));
  for (const one of listed) {
    const known = ofListed.find(({ participantId }) => participantId === one.participantId);
    all.set(one.participantId, { participantId: one.participantId, listed: one, noted: known });
  }
  return [...all.values()]
    .toSorted((one, other) => (one.participantId < other.participantId ? -1 : 1))
    .slice(0, limit + 1);
}

/** @param listedAt the time of the list that the participant is in. */
function toParticipant(
  { participantId, listed, noted }: OnStage,
  grant: Grant | undefined,
  listedAt?: Date,
): Participant {
  const joinedAt = listed?.firstJoinTime ?? noted?.joinedAt;
  const seenAt = (listed && listedAt) ?? noted?.seenAt ?? new Date(0);
  return {
    kind: 'stage',
    participantId,
    userId: grant?.userId ?? listed?.userId ?? noted?.userId ?? '',
    ...(grant && { role: grant.role, grantId: grant.id }),
    state: 'CONNECTED',
    publishing: noted?.hasPublished === true ? noted.publishing : (listed?.published ?? false),
    ...(joinedAt && { joinedAt: joinedAt.toISOString() }),
    seenAt: seenAt.toISOString(),
    certainty: listed ? 'confirmed' : (noted?.certainty as Participant['certainty']),
  };
}

function toPresumed(grant: Grant): Participant {
  return {
    kind: grant.kind as Participant['kind'],
    ...(grant.participantId !== null && { participantId: grant.participantId }),
    userId: grant.userId,
    role: grant.role,
    state: 'UNKNOWN',
    publishing: false,
    grantId: grant.id,
    seenAt: grant.issuedAt.toISOString(),
    certainty: 'presumed',
  };
}
