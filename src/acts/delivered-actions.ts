import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { limits } from '../limits.ts';

/** Tells of actions whose deliveries have all ended. */
@Injectable()
export class DeliveredActions extends BackgroundWork {
  protected readonly everyMs = 500;

  constructor(private readonly database: Database) {
    super();
  }

  async run(): Promise<void> {
    const most = limits.announcedAtOnce;
    let lookedAt: number;
    do {
      lookedAt = await this.database.value('announce_delivered_actions', { most }, z.coerce.number());
      if (lookedAt > 0) eventsWereWritten();
    } while (lookedAt === most);
  }
}
