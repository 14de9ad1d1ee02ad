import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { limits } from '../limits.ts';

/** Tells of bans that have ended by themselves. */
@Injectable()
export class EndedBans extends BackgroundWork {
  protected readonly everyMs = 1_000;

  constructor(private readonly database: Database) {
    super();
  }

  async run(): Promise<void> {
    const most = limits.announcedAtOnce;
    let announced: number;
    do {
      announced = await this.database.value('announce_ended_bans', { most }, z.coerce.number());
      if (announced > 0) eventsWereWritten();
    } while (announced === most);
  }
}
