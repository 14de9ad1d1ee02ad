import { Injectable } from '@nestjs/common';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { NoTurn } from '../ivs/ivs-errors.ts';
import { IvsRealTime } from '../ivs/ivs-real-time.ts';
import type { Participant } from '../ivs/participant-lists.ts';

/** An answer of IVS is used again for this time at least, in milliseconds. */
const answerLifetimeMs = 1_000;

/** Longest wait for a list, in milliseconds. IVS gives a hundred participants in a call, and calls wait for their turn. */
const longestWaitMs = 4_000;

/** Who is connected to a stage. */
export interface Connected {
  /** In the order of their ids. */
  participants: Participant[];
  /** The time at which the list was begun. */
  at: Date;
}

/**
 * Lists the participants of stages, as of at most one second ago, or as long ago as the listing took. IVS allows five such
 * calls a second in an account (service quotas). So moderators who list the same stage share one list.
 */
@Injectable()
export class ConnectedParticipants {
  /** Lists on their way, and lists that are used again. */
  private readonly lists = new Map<string, Promise<Connected>>();

  constructor(
    private readonly realTime: IvsRealTime,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * The participants who are connected to a stage.
   * @throws {IvsFailure} also `NoTurn`, if the list takes too long. It goes on, and the next request gets it.
   */
  async on(tenant: IvsTenant, stageArn: string): Promise<Connected> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new NoTurn('ListParticipants', 'account', 2, 1)), longestWaitMs).unref();
    });
    return await Promise.race([this.listOf(tenant, stageArn), timeUp]).finally(() => clearTimeout(timer));
  }

  private async listOf(tenant: IvsTenant, stageArn: string): Promise<Connected> {
    const key = `${tenant.id} ${stageArn}`;
    const known = this.lists.get(key);
    if (known) return await known;
    const startedAt = performance.now();
    const at = this.clock.now();
    const list = this.realTime.connectedParticipants(tenant, stageArn).then((all) => ({
      participants: all.toSorted((one, other) => (one.participantId < other.participantId ? -1 : 1)),
      at,
    }));
    this.lists.set(key, list);
    const forget = () => this.lists.delete(key);
    list.then(() => setTimeout(forget, Math.max(answerLifetimeMs, performance.now() - startedAt)).unref(), forget);
    return await list;
  }
}
