import { Injectable } from '@nestjs/common';
import type { ApiKeyCaller, ConsoleUserCaller } from '../caller.ts';
import { hasScope } from '../http/access.ts';
import { Secrets } from '../secrets/secrets.ts';
import type { ConsoleChatToken } from './joins.schemas.ts';
import { JoinsService } from './joins.service.ts';

/** Longest user id that IVS takes (service model, `userId`). */
const longestUserId = 128;

/** What everybody in the room sees of somebody at the console: neither their name nor their email. */
const attributes = { displayName: 'Moderator', stagedoor: 'console' };

/** Who may read chat rooms without being a user of the space. */
export type ReadingCaller = ApiKeyCaller | ConsoleUserCaller;

/** Lets people at the console read the chat room of a space. */
@Injectable()
export class ConsoleChatService {
  constructor(
    private readonly joins: JoinsService,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Vends a chat token to the caller, with the role of `role_of_console` that their scopes allow.
   * @throws Problem as `JoinsService.vend`.
   */
  async vend(
    caller: ReadingCaller,
    spaceId: string,
  ): Promise<{ token: ConsoleChatToken; headers: Record<string, string> }> {
    const userId = this.userIdOf(caller);
    const role = hasScope(caller.scopes, 'moderation:write') ? 'console:moderator' : 'console:viewer';
    const wanted = { stage: false, chat: true };
    const body = { userId, role, attributes };
    const { answer, headers } = await this.joins.vend(caller, spaceId, body, wanted, 'consoleChatToken.create');
    if (answer.chat === null) throw new Error('admit gives the only token that was asked for, or refuses');
    return { token: { userId, ...answer.chat }, headers };
  }

  /** As whom the caller stands in the ledger, and in the room: their id after `console:`. */
  private userIdOf({ tenantId, id }: ReadingCaller): string {
    const plain = `console:${id}`;
    return plain.length <= longestUserId ? plain : `console:${this.secrets.pseudonym(tenantId, id)}`;
  }
}
