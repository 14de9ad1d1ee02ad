import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../database/database.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsPresence, type StageSession } from '../ivs/ivs-presence.ts';
import { limits } from '../limits.ts';
import { accountInRow } from '../tenants/tenant-account.ts';
import type { LeasedLook } from './leased-look.ts';
import { afterPage, factOf, type Listing, type StageLook } from './stage-look.ts';

/** A step begins no call after this time, in milliseconds. The next step goes on. */
const stepMs = 4_000;

/** What a step of a look has come to. */
export interface PresenceStep {
  /** The look. It is whole if it has nothing more to list and there is no failure. */
  look: StageLook;
  /** False: the step could not begin the look. */
  hasBegun: boolean;
  failure?: IvsFailure | undefined;
}

/** Takes steps of looks at who is on a stage. What each call has found is noted before the next one. */
@Injectable()
export class PresenceSteps {
  constructor(
    private readonly database: Database,
    private readonly ivs: IvsPresence,
  ) {}

  /** Takes one step. A failure of IVS is in the result. @throws if what was found cannot be noted. */
  async step(leased: LeasedLook): Promise<PresenceStep> {
    const deadline = performance.now() + stepMs;
    let look = leased.look ?? { since: leased.looked_at.toISOString(), active: null, listings: [] };
    let hasBegun = leased.look !== null;
    try {
      if (!hasBegun) look = await this.begin(leased);
      hasBegun = true;
      while (look.listings.length > 0 && performance.now() < deadline) look = await this.goOn(leased, look);
      return { look, hasBegun };
    } catch (error) {
      if (!(error instanceof IvsFailure)) throw error;
      // A page token that IVS does not take any more can only be left behind: the look begins anew.
      const isLost = error.kind === 'invalid' || error.kind === 'not_found';
      return { look, hasBegun: hasBegun && !isLost, failure: error };
    }
  }

  /** Asks which session goes on, and which have ended without being noted. */
  private async begin(leased: LeasedLook): Promise<StageLook> {
    const { tenant_id: tenant, space_id: space, stage_arn: stageArn } = leased;
    const since = leased.looked_at.toISOString();
    const active = stageArn === null ? undefined : await this.activeSession(leased, stageArn);
    const isOther = leased.has_news || (active ?? null) !== leased.active_session;
    const listed = stageArn !== null && isOther ? await this.sessions(leased, stageArn) : [];
    const ended = await this.database.value(
      'begin_stage_look',
      { tenant, space, active: active ?? null, listed: JSON.stringify(listed.map(toListed)) },
      z.array(z.string()),
    );
    const startedAt = (id: string) =>
      listed.find(({ sessionId }) => sessionId === id)?.startTime?.toISOString() ?? since;
    return {
      since,
      active: active ?? null,
      listings: [
        ...ended.map((sessionId) => ({ sessionId, startedAt: startedAt(sessionId), endedAt: since })),
        ...(active === undefined ? [] : [{ sessionId: active, startedAt: startedAt(active) }]),
      ],
    };
  }

  /** Lists one page of what the look has to list first. After the last page it notes who has left. */
  private async goOn(leased: LeasedLook, look: StageLook): Promise<StageLook> {
    const [first] = look.listings;
    if (!first) return look;
    const { tenant_id: tenant, space_id: space, stage_arn: stageArn } = leased;
    const list = first.nextToken === undefined ? await this.withItsEnd(leased, first) : first;
    if (list === undefined) return afterPage(look, undefined);
    const who = list.endedAt === undefined ? 'connected' : 'everybody';
    const page =
      stageArn === null
        ? { participants: [] }
        : await this.ivs.participantsPage(accountInRow(leased), stageArn, list.sessionId, who, list.nextToken);
    const nextToken = 'nextToken' in page ? page.nextToken : undefined;
    const next = afterPage({ ...look, listings: [list, ...look.listings.slice(1)] }, nextToken);
    const at = leased.looked_at.toISOString();
    await this.database.run('note_look_page', {
      tenant,
      space,
      session: list.sessionId,
      startedAt: list.startedAt,
      found: JSON.stringify(page.participants.map((one) => factOf(one, list, at))),
      look: nextToken === undefined ? look : next,
    });
    if (nextToken === undefined) await this.close(leased, look, list);
    return next;
  }

  /** Notes who is not there any more, after all of a list was read. */
  private async close(
    { tenant_id: tenant, space_id: space }: LeasedLook,
    look: StageLook,
    list: Listing,
  ): Promise<void> {
    const session = { tenant, space, session: list.sessionId };
    const most = limits.leavesAtOnce;
    if (list.endedAt !== undefined) {
      const end = { ...session, startedAt: list.startedAt, endedAt: list.endedAt, most };
      while (!(await this.database.value('end_stage_session', end, z.boolean()))) continue;
      return;
    }
    const notSince = new Date(Date.parse(look.since) - limits.presenceMarginSeconds * 1_000).toISOString();
    const leave = { ...session, notSince, leftAt: look.since, listedAt: look.since, most };
    while ((await this.database.value('leave_participants', leave, z.coerce.number())) === most) continue;
  }

  /** The list with the times of its session, if that has ended. Undefined: IVS says that it goes on after all. */
  private async withItsEnd(leased: LeasedLook, list: Listing): Promise<Listing | undefined> {
    if (list.endedAt === undefined || leased.stage_arn === null) return list;
    const found = await this.optional(() =>
      this.ivs.session(accountInRow(leased), leased.stage_arn ?? '', list.sessionId),
    );
    if (found === undefined) return list;
    if (found.endTime === undefined) return undefined;
    return {
      ...list,
      startedAt: found.startTime?.toISOString() ?? list.startedAt,
      endedAt: found.endTime.toISOString(),
    };
  }

  /** Undefined: nobody is there, or IVS does not have the stage. */
  private async activeSession(leased: LeasedLook, stageArn: string): Promise<string | undefined> {
    try {
      return await this.ivs.activeSession(accountInRow(leased), stageArn);
    } catch (error) {
      if (error instanceof IvsFailure && error.kind === 'not_found') return undefined;
      throw error;
    }
  }

  private async sessions(leased: LeasedLook, stageArn: string): Promise<StageSession[]> {
    return (await this.optional(() => this.ivs.sessions(accountInRow(leased), stageArn))) ?? [];
  }

  /** What IVS says, or undefined if it does not have it, or if the IAM policy does not allow the call: looks go on without. */
  private async optional<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof IvsFailure && (error.kind === 'not_found' || error.kind === 'access_denied'))
        return undefined;
      throw error;
    }
  }
}

function toListed({ sessionId, startTime, endTime }: StageSession) {
  return { sessionId, startedAt: (startTime ?? endTime)?.toISOString(), endedAt: endTime?.toISOString() };
}
