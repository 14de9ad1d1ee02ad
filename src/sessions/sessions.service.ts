import { Injectable } from '@nestjs/common';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase, type Tx } from '../database/database.ts';
import type { StageParticipant, StageSession as SessionRow } from '../database/generated/client.ts';
import { notFound } from '../errors.ts';
import { type ListQuery, numberKeys, type Page, participantKeys, readCursor, toPage } from '../http/paging.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime, type ParticipantEvent } from '../ivs/ivs-real-time.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { csvHeader, csvLine } from './attendance-csv.ts';
import { oldestFirst } from './order-of-events.ts';
import type { Attendance, ParticipantEventAnswer, SessionParticipant, StageSession } from './sessions.schemas.ts';

/** Largest number of pages of a participant's events that are read at IVS: two thousand events. */
const mostEventPages = 20;

/** Rows that one piece of a CSV file has. */
const rowsOfPiece = 1_000;

/** A session of a space of the caller's tenant. */
export interface SessionRef {
  spaceId: string;
  sessionId: string;
}

/** Shows the sessions of stages, and who was there. Moderators see them. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly authority: Authority,
    private readonly realTime: IvsRealTime,
    private readonly clock: DatabaseClock,
  ) {}

  /** Lists the sessions of a space, the newest first. @throws Problem `not_found`, `forbidden` or `banned` */
  async list(caller: TenantCaller, spaceId: string, query: ListQuery): Promise<Page<StageSession>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor, numberKeys);
    const rows = await this.database.inTenantOf(caller, async (tx) => {
      await this.assertMaySee(tx, caller, spaceId);
      return await tx.stageSession.findMany({
        where: { tenantId, spaceId, ...(before !== undefined && { seq: { lt: BigInt(before) } }) },
        orderBy: { seq: 'desc' },
        take: query.limit + 1,
      });
    });
    return toPage(rows, query.limit, ({ seq }) => String(seq), toSession);
  }

  /** @throws Problem `not_found`, `forbidden` or `banned` */
  async get(caller: TenantCaller, ref: SessionRef): Promise<StageSession> {
    return toSession(await this.database.inTenantOf(caller, (tx) => this.find(tx, caller, ref)));
  }

  /** Lists the participants of a session, in the order of their ids. @throws Problem as `get`. */
  async participants(caller: TenantCaller, ref: SessionRef, query: ListQuery): Promise<Page<SessionParticipant>> {
    const rows = await this.page(caller, ref, readCursor(query.cursor, participantKeys), query.limit + 1);
    return toPage(rows, query.limit, ({ participantId }) => participantId, toParticipant);
  }

  /** Lists how long the participants of a session were there, in the order of their ids. @throws Problem as `get`. */
  async attendance(caller: TenantCaller, ref: SessionRef, query: ListQuery): Promise<Page<Attendance>> {
    const now = this.clock.now();
    const rows = await this.page(caller, ref, readCursor(query.cursor, participantKeys), query.limit + 1);
    return toPage(
      rows,
      query.limit,
      ({ participantId }) => participantId,
      (row) => toAttendance(row, now),
    );
  }

  /** The attendance as a CSV file, piece by piece. Nothing is read before the first piece is asked for. @throws as `get`. */
  async *attendanceAsCsv(caller: TenantCaller, ref: SessionRef): AsyncGenerator<string> {
    const now = this.clock.now();
    let after: string | undefined;
    let lines = csvHeader;
    for (;;) {
      const rows = await this.page(caller, ref, after, rowsOfPiece);
      yield lines + rows.map((row) => csvLine(toAttendance(row, now))).join('');
      lines = '';
      after = rows.at(-1)?.participantId;
      if (rows.length < rowsOfPiece) return;
    }
  }

  /**
   * Lists what happened to a participant in a session, oldest first, as IVS has it.
   * @throws Problem as `get`, or for a failure of IVS.
   */
  async eventsOf(
    caller: TenantCaller,
    ref: SessionRef & { participantId: string },
    query: ListQuery,
  ): Promise<Page<ParticipantEventAnswer>> {
    const { tenantId } = caller;
    const after = readCursor(query.cursor, numberKeys) ?? '0';
    const { space, account } = await this.database.inTenantOf(caller, async (tx) => {
      await this.find(tx, caller, ref);
      const key = { tenantId, ...ref };
      if (!(await tx.stageParticipant.findFirst({ where: key, select: { seenAt: true } })))
        throw notFound('participant');
      return { space: await findSpace(tx, tenantId, ref.spaceId), account: await accountOf(tx, tenantId) };
    });
    if (space.stageArn === null) return { data: [], nextCursor: null };
    const { sessionId, participantId } = ref;
    const listed = await this.realTime
      .participantEvents(account, { stageArn: space.stageArn, sessionId, participantId }, mostEventPages)
      .catch((error: unknown) => {
        throw error instanceof IvsFailure ? error.toProblem() : error;
      });
    const rows = oldestFirst(listed).map((event, nth) => ({ ...event, participantId, nth: nth + 1 }));
    const page = rows.slice(Number(after), Number(after) + query.limit + 1);
    return toPage(page, query.limit, ({ nth }) => String(nth), toEvent);
  }

  private async page(
    caller: TenantCaller,
    ref: SessionRef,
    after: string | undefined,
    take: number,
  ): Promise<StageParticipant[]> {
    const { tenantId } = caller;
    return await this.database.inTenantOf(caller, async (tx) => {
      await this.find(tx, caller, ref);
      return await tx.stageParticipant.findMany({
        where: { tenantId, ...ref, ...(after !== undefined && { participantId: { gt: after } }) },
        orderBy: { participantId: 'asc' },
        take,
      });
    });
  }

  private async find(tx: Tx, caller: TenantCaller, { spaceId, sessionId }: SessionRef): Promise<SessionRow> {
    await this.assertMaySee(tx, caller, spaceId);
    const { tenantId } = caller;
    const key = { tenantId_spaceId_sessionId: { tenantId, spaceId, sessionId } };
    const row = await tx.stageSession.findUnique({ where: key });
    if (!row) throw notFound('session');
    return row;
  }

  private async assertMaySee(tx: Tx, caller: TenantCaller, spaceId: string): Promise<void> {
    await findSpace(tx, caller.tenantId, spaceId);
    await this.authority.assertModerator(tx, caller, spaceId);
  }
}

function toSession({ sessionId, spaceId, startedAt, endedAt, participants }: SessionRow): StageSession {
  return {
    sessionId,
    spaceId,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    participants,
  };
}

function whoAndWhen(row: StageParticipant) {
  return {
    participantId: row.participantId,
    userId: row.userId,
    role: row.role,
    joinedAt: row.joinedAt.toISOString(),
    leftAt: row.leftAt?.toISOString() ?? null,
    stays: row.stays,
    published: row.hasPublished,
  };
}

function toParticipant(row: StageParticipant): SessionParticipant {
  return {
    ...whoAndWhen(row),
    grantId: row.grantId,
    publishing: row.publishing,
    seenAt: row.seenAt.toISOString(),
    certainty: row.certainty as SessionParticipant['certainty'],
  };
}

function toAttendance(row: StageParticipant, now: Date): Attendance {
  const ms = (row.leftAt ?? now).getTime() - row.joinedAt.getTime() - Number(row.awayMs);
  return { ...whoAndWhen(row), seconds: Math.max(0, Math.round(ms / 1_000)) };
}

function toEvent(event: ParticipantEvent & { participantId: string }): ParticipantEventAnswer {
  const { participantId, name, eventTime, remoteParticipantId, errorCode, newToken } = event;
  return {
    participantId,
    name,
    at: eventTime.toISOString(),
    ...(remoteParticipantId !== undefined && { remoteParticipantId }),
    ...(errorCode !== undefined && { errorCode }),
    ...(newToken && { capabilities: newToken.capabilities }),
  };
}
