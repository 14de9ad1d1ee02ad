import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';
import { limits } from '../limits.ts';

/** Actions that one round takes a step of. */
const actionsAtOnce = 10;

/**
 * Continues actions against more than a thousand grants, step by step: the freezing of a crowded space, or the ban of
 * somebody who has hoarded tokens. Their first step is part of the act itself.
 */
@Injectable()
export class UnfinishedActions extends BackgroundWork {
  protected readonly everyMs = 250;

  constructor(private readonly database: ModerationDatabase) {
    super();
  }

  async run(): Promise<void> {
    for (;;) {
      const actions = await this.database.call(
        'list_unfinished_actions',
        { limit: actionsAtOnce },
        z.object({ tenant_id: z.string(), action_id: z.string() }),
      );
      if (actions.length === 0) return;
      for (const { tenant_id: tenant, action_id: action } of actions) {
        await this.database.run('continue_action', { tenant, action, limits });
      }
    }
  }
}
