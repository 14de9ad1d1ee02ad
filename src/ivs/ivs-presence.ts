import { Injectable } from '@nestjs/common';
import { GetStageSessionCommand, ListStageSessionsCommand } from '@aws-sdk/client-ivs-realtime';
import { z } from 'zod';
import { IvsCalls } from './ivs-calls.ts';
import type { IvsAccount } from './ivs-clients.ts';
import { type MakeCall, pageOf, type ParticipantsPage, sessionOf } from './participant-lists.ts';

const stageSession = z.object({
  sessionId: z.string().min(1),
  startTime: z.date().optional(),
  endTime: z.date().optional(),
});
/** A session of a stage. Without an `endTime` it goes on. */
export type StageSession = z.output<typeof stageSession>;

const sessionsPage = z.object({ stageSessions: z.array(stageSession) });
const oneSession = z.object({ stageSession });

/** The calls of looks at who is on a stage. Each is made only if its rate allows it now; else it throws `NoTurn`. */
@Injectable()
export class IvsPresence {
  constructor(private readonly calls: IvsCalls) {}

  /** The id of the session of a stage that goes on now. Undefined: nobody is on the stage. @throws {IvsFailure} */
  async activeSession(account: IvsAccount, stageArn: string): Promise<string | undefined> {
    return await sessionOf(this.inRate(account), stageArn);
  }

  /** The first page of the sessions of a stage, at most a hundred. @throws {IvsFailure} */
  async sessions(account: IvsAccount, stageArn: string): Promise<StageSession[]> {
    const page = await this.calls.callForPresence(account, 'ListStageSessions', sessionsPage, ({ realTime }, options) =>
      realTime.send(new ListStageSessionsCommand({ stageArn, maxResults: 100 }), options),
    );
    return page.stageSessions;
  }

  /** @throws {IvsFailure} */
  async session(account: IvsAccount, stageArn: string, sessionId: string): Promise<StageSession> {
    const found = await this.calls.callForPresence(account, 'GetStageSession', oneSession, ({ realTime }, options) =>
      realTime.send(new GetStageSessionCommand({ stageArn, sessionId }), options),
    );
    return found.stageSession;
  }

  /**
   * One page of the participants of a session, at most a hundred: of those who are connected now, or of everybody who has
   * ever been.
   * @throws {IvsFailure}
   */
  async participantsPage(
    account: IvsAccount,
    stageArn: string,
    sessionId: string,
    who: 'connected' | 'everybody',
    nextToken?: string,
  ): Promise<ParticipantsPage> {
    const filter = who === 'connected' ? ({ filterByState: 'CONNECTED' } as const) : undefined;
    return await pageOf(this.inRate(account), stageArn, sessionId, filter, nextToken);
  }

  private inRate(account: IvsAccount): MakeCall {
    return (operation, answer, send) => this.calls.callForPresence(account, operation, answer, send);
  }
}
