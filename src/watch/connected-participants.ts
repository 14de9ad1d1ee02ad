import { Injectable } from '@nestjs/common';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';

/** An answer of IVS is used again for this time, in milliseconds. */
const answerLifetimeMs = 1_000;

/**
 * Lists the participants of stages, as of at most one second ago. IVS allows five such calls a second in an account (service
 * quotas), and the watch needs them. So moderators who list the same stage share one call.
 */
@Injectable()
export class ConnectedParticipants {
  /** Calls on their way, and calls with an answer that is used again. */
  private readonly calls = new Map<string, Promise<Participant[]>>();

  constructor(private readonly realTime: IvsRealTime) {}

  /**
   * The participants who are connected to a stage, in the order of their ids.
   * @throws {IvsFailure}
   */
  async on(tenantId: string, account: IvsAccount, stageArn: string): Promise<Participant[]> {
    const key = `${tenantId} ${stageArn}`;
    const known = this.calls.get(key);
    if (known) return await known;
    const call = this.realTime
      .connectedParticipants(account, stageArn)
      .then((all) => all.toSorted((one, other) => (one.participantId < other.participantId ? -1 : 1)));
    this.calls.set(key, call);
    const forget = () => this.calls.delete(key);
    call.then(() => setTimeout(forget, answerLifetimeMs).unref(), forget);
    return await call;
  }
}
