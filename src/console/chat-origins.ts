import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ReadDatabase, systemScope } from '../database/database.ts';
import { IvsChat } from '../ivs/ivs-chat.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { tokenInCookie } from './session-cookie.ts';
import { SessionTokens } from './session-tokens.ts';

/** A page does not wait longer than this for the database, in milliseconds. */
const patienceMs = 1_000;

/** Knows where the chat rooms of a tenant are, for the policy of the console's pages. */
@Injectable()
export class ChatOrigins {
  private readonly logger = new Logger(ChatOrigins.name);

  constructor(
    private readonly tokens: SessionTokens,
    private readonly reads: ReadDatabase,
    private readonly chat: IvsChat,
  ) {}

  /**
   * The origin that chat clients connect to, of the tenant whose session a request for a page has; undefined: it has none, or
   * the database does not answer. It never fails: without it the page works but for the chat, which loads the page again.
   */
  async of(request: FastifyRequest): Promise<string | undefined> {
    try {
      const cookie = tokenInCookie(request);
      const token = cookie === undefined ? undefined : this.tokens.read(cookie);
      if (!token || !token.tenantId.startsWith('ten_')) return undefined;
      const { tenantId } = token;
      const { region } = await this.reads.inScope(systemScope(tenantId), (tx) => accountOf(tx, tenantId), patienceMs);
      return new URL(this.chat.endpoint(region)).origin;
    } catch (error) {
      this.logger.warn({ err: error }, 'A page of the console is sent without the address of the chat rooms');
      return undefined;
    }
  }
}
