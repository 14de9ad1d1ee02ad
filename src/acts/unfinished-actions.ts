import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Largest number of actions that one round continues. */
const actionsAtOnce = 10;

/**
 * Continues actions against more than a thousand grants, one step after the other. Examples are the freezing of a crowded
 * space and the ban of a user who has hoarded tokens. The transaction of the act takes the first step.
 */
@Injectable()
export class UnfinishedActions extends BackgroundWork {
  protected readonly everyMs = 250;

  constructor(private readonly database: ModerationDatabase) {
    super();
  }

  /** Continues actions until all are finished, or until none of a round can be continued. */
  async run(): Promise<void> {
    for (;;) {
      const actions = await this.database.call(
        'take_unfinished_actions',
        { limit: actionsAtOnce },
        z.object({ tenant_id: z.string(), action_id: z.string() }),
      );
      let continued = 0;
      for (const { tenant_id: tenant, action_id: action } of actions) {
        try {
          await this.database.run('continue_action', { tenant, action, limits });
          continued++;
        } catch (error) {
          const text = 'An action could not be continued. It is tried again after the others.';
          this.partFailed(error, text, { actionId: action });
        }
      }
      if (continued === 0) return;
    }
  }
}
