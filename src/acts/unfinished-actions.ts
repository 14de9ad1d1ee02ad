import { Injectable } from '@nestjs/common';
import { BackgroundWork } from '../background.ts';
import { ModerationDatabase } from '../database/database.ts';

/**
 * Writes down, step by step, what acts against more than a thousand grants take: the freezing of a crowded space, or the ban
 * of somebody who has hoarded tokens. Their first thousand are written down with the act itself.
 */
@Injectable()
export class UnfinishedActions extends BackgroundWork {
  protected readonly everyMs = 250;

  constructor(private readonly database: ModerationDatabase) {
    super();
  }

  async run(): Promise<void> {
    for (;;) {
      const acts = await this.database.call<{ tenant_id: string; action_id: string }>(
        'acts-to-go-on-with',
        'select * from acts_to_go_on_with(10)',
        [],
      );
      if (acts.length === 0) return;
      for (const { tenant_id: tenantId, action_id: actionId } of acts) {
        await this.database.call('go-on-acting', 'select go_on_acting($1, $2)', [tenantId, actionId]);
      }
    }
  }
}
