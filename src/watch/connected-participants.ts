import { Injectable } from '@nestjs/common';
import type { IvsAccount } from '../ivs/ivs-clients.ts';
import { IvsRealTime, type Participant } from '../ivs/ivs-real-time.ts';

/** An answer of IVS is used for so long, in milliseconds. */
const servesForMs = 1_000;

/**
 * Tells who is on a stage, as IVS said within the last second. IVS allows five such calls a second for a whole account, and
 * the watch needs them. So moderators who look at a space again and again share one call.
 */
@Injectable()
export class ConnectedParticipants {
  /** Calls under way, and those that have just been answered. */
  private readonly calls = new Map<string, Promise<Participant[]>>();

  constructor(private readonly realTime: IvsRealTime) {}

  /**
   * The participants on a stage, in the order of their ids.
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
    call.then(() => setTimeout(forget, servesForMs).unref(), forget);
    return await call;
  }
}
