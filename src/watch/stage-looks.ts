import { Injectable } from '@nestjs/common';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import type { Participant } from '../ivs/participant-lists.ts';
import { limits } from '../limits.ts';
import { afterAnswer, beginSweep, type Known, listInstead, nextQuestion, type Sweep } from './sweep.ts';

/** A step begins no call of a look after this time, in milliseconds. The next step goes on. */
const stepMs = 4_000;

/** Time until the next step after one that failed, in seconds. A refusal lasts until somebody changes the IAM policy. */
const retrySeconds = { transient: 1, refused: 5 };

/**
 * Time until the next look at a stage that IVS does not have, and at a space whose stage is deleted, in seconds. Nobody can be
 * there. The latter makes no call, and its tenant may adopt the stage again.
 */
const goneSeconds = { missing: 60, deleted: 5 };

/** A stage, and what to look for there. */
export interface LookRequest extends Known {
  account: IvsAccount;
  /** Null: the stage is gone. */
  stageArn: string | null;
  /** The look to go on with; null: begin one. */
  sweep: Sweep | null;
  /** Number of ListParticipants that the step may make. */
  calls: number;
  /** Time of the lease. */
  now: Date;
}

/** The result of a step of a look. */
export interface LookStep {
  /** Connected participants that the step has found, by id. */
  connected: Map<string, Participant>;
  /** The look that goes on. */
  sweep?: Sweep | undefined;
  /** The beginning of the look, if it ends with this step. ISO 8601. */
  since?: string | undefined;
  /** Number of pages of the list of everybody, if the step has learnt it. */
  pages?: number | undefined;
  /** Why the step has ended early. What it has found before is valid. */
  failure?: IvsFailure | undefined;
  /** Seconds until the next step. */
  nextIn: number;
  /** Number of ListParticipants that were made. */
  spent: number;
}

/** Takes steps of looks at stages: a few calls to IVS each, as many as the rates allow. */
@Injectable()
export class StageLooks {
  constructor(private readonly realTime: IvsRealTime) {}

  /** Takes one step. A failure of IVS is in the result, and so is what was found before it. */
  async step(request: LookRequest): Promise<LookStep> {
    const { account, stageArn, users, now } = request;
    const nobody = { connected: new Map(), since: now.toISOString(), nextIn: limits.lookIntervalSeconds, spent: 0 };
    if (stageArn === null) return { ...nobody, nextIn: goneSeconds.deleted };
    if (users.length === 0) return nobody;
    let sweep: Sweep;
    try {
      const sessionId = request.sweep?.sessionId ?? (await this.realTime.activeSession(account, stageArn));
      if (sessionId === undefined) return nobody;
      sweep = listInstead(request.sweep ?? beginSweep(sessionId, now.toISOString(), request), request);
    } catch (error) {
      const failure = ivsFailure(error);
      if (failure.kind === 'not_found') return { ...nobody, nextIn: goneSeconds.missing };
      return { connected: new Map(), failure, nextIn: retryIn(failure), spent: 0 };
    }
    return await this.ask(request, stageArn, sweep);
  }

  /** Asks the next questions of a look. */
  private async ask(request: LookRequest, stageArn: string, begun: Sweep): Promise<LookStep> {
    const deadline = performance.now() + stepMs;
    const now = request.now.toISOString();
    const step: LookStep = { connected: new Map(), sweep: begun, nextIn: 0, spent: 0 };
    let sweep = begun;
    while (step.spent < request.calls && performance.now() < deadline) {
      const question = nextQuestion(sweep, request, now);
      if (!question) return { ...step, sweep: undefined, since: sweep.since, nextIn: limits.lookIntervalSeconds };
      step.spent++;
      const { sessionId } = sweep;
      const { filter, nextToken } = question;
      try {
        const page = await this.realTime.participantsPage(request.account, stageArn, sessionId, filter, nextToken);
        for (const one of page.participants) if (one.state === 'CONNECTED') step.connected.set(one.participantId, one);
        const after = afterAnswer(sweep, request, question, { nextToken: page.nextToken, now });
        sweep = after.sweep;
        step.sweep = sweep;
        step.pages = after.pages ?? step.pages;
        if (after.isWhole) return { ...step, sweep: undefined, since: sweep.since, nextIn: limits.lookIntervalSeconds };
      } catch (error) {
        const failure = ivsFailure(error);
        // A page token that IVS does not take any more can only be left behind.
        const kept = failure.kind === 'invalid' || failure.kind === 'not_found' ? undefined : sweep;
        return { ...step, sweep: kept, failure, nextIn: retryIn(failure) };
      }
    }
    return step;
  }
}

function ivsFailure(error: unknown): IvsFailure {
  if (error instanceof IvsFailure) return error;
  throw error;
}

function retryIn(failure: IvsFailure): number {
  return failure.isTransient ? retrySeconds.transient : retrySeconds.refused;
}
