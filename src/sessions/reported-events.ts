import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Settings } from '../config.ts';
import { Database } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { limits } from '../limits.ts';

/**
 * An event of the type `IVS Stage Update` that IVS has sent by EventBridge. It was checked to come from IVS. IVS sends none
 * for a join, and none for a leave without publishing (AWS user guide, EventBridge).
 */
export interface ReportedStageEvent {
  /** `event_name`, such as `Participant Published`. */
  name: string;
  stageArn: string;
  /** `session_id`; empty if the event has none. */
  sessionId: string;
  participantId?: string | undefined;
  userId?: string | undefined;
  /** `event_time`, or the `time` of the envelope. IVS gives whole seconds. */
  at: Date;
}

/**
 * `applied`: the event said something new. `known`: it said nothing new. `unknown`: no space has the stage, or the name is
 * none that says who publishes.
 */
export type ReportOutcome = 'applied' | 'known' | 'unknown';

const outcome = z.enum(['applied', 'known', 'unknown']);

/** Takes what IVS reports of stages. Events that are late, doubled or in another order lead to the same state in the end. */
@Injectable()
export class ReportedEvents {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /**
   * Notes what an event says, in a transaction of its own with the events of the tenant that follow from it. It makes a look
   * at the stage due. It is safe to repeat.
   * @throws Problem `unavailable` if the database fails; then nothing is noted.
   */
  async report(event: ReportedStageEvent): Promise<ReportOutcome> {
    const answer = await this.database.value(
      'report_stage_event',
      {
        stageArn: event.stageArn,
        name: event.name,
        session: event.sessionId,
        participant: event.participantId ?? '',
        user: event.userId ?? '',
        at: event.at,
        olderThan: `${this.settings.eventRetentionDays} days`,
        limits,
      },
      outcome,
    );
    if (answer === 'applied') eventsWereWritten();
    return answer;
  }
}
