import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { Database } from '../database/database.ts';
import { eventsWereWritten } from '../events/event-log.ts';
import { limits } from '../limits.ts';

/** Writes the event grant.issued for the tenants that ask for it, once the token of a grant was given. */
@Injectable()
export class IssuedTeller extends BackgroundWork {
  protected readonly everyMs = 500;

  constructor(private readonly database: Database) {
    super();
  }

  async run(): Promise<void> {
    const most = limits.sweptAtOnce;
    let told: number;
    do {
      told = await this.database.value('tell_issued_grants', { most }, z.int());
      if (told > 0) eventsWereWritten();
    } while (told === most);
  }
}
