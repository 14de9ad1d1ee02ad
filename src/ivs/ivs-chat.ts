import { Injectable } from '@nestjs/common';
import {
  type ChatTokenCapability,
  CreateChatTokenCommand,
  CreateRoomCommand,
  DeleteMessageCommand,
  DeleteRoomCommand,
  DisconnectUserCommand,
  GetRoomCommand,
  ListRoomsCommand,
  SendEventCommand,
} from '@aws-sdk/client-ivschat';
import { z } from 'zod';
import { Settings } from '../config.ts';
import { IvsCalls } from './ivs-calls.ts';
import type { IvsAccount, IvsTenant } from './ivs-clients.ts';
import { collectPages } from './collect-pages.ts';
import type { Tagged } from './ivs-real-time.ts';

const nonEmpty = z.string().min(1);

const room = z.object({ arn: nonEmpty, tags: z.record(z.string(), z.string()).optional() });
/** A chat room, with the fields that Stagedoor uses. */
export type Room = z.output<typeof room>;

const chatToken = z.object({ token: nonEmpty, tokenExpirationTime: z.date(), sessionExpirationTime: z.date() });
/** A chat token as IVS made it. Connect before `tokenExpirationTime`; the connection ends at `sessionExpirationTime`. */
export type ChatToken = z.output<typeof chatToken>;

const roomsPage = z.object({ rooms: z.array(room), nextToken: nonEmpty.optional() });
const anyAnswer = z.unknown();

/** The parameters of a new chat token (service model, `CreateChatTokenRequest`). */
export interface ChatTokenRequest {
  roomArn: string;
  userId: string;
  attributes: Record<string, string>;
  capabilities: readonly string[];
  /** Minutes until the connection ends, 1 to 180. */
  sessionMinutes: number;
}

/** The operations of IVS Chat that the service uses, under the names of IVS. All throw `IvsFailure`. */
@Injectable()
export class IvsChat {
  constructor(
    private readonly calls: IvsCalls,
    private readonly settings: Settings,
  ) {}

  /** URL that chat clients of a Region connect to (AWS General Reference, IVS Chat endpoints). */
  endpoint(region: string): string {
    return this.settings.ivsChatEndpoint ?? `wss://edge.ivschat.${region}.amazonaws.com`;
  }

  async createRoom(tenant: IvsTenant, name: string, tags: Record<string, string>): Promise<Room> {
    return await this.calls.callForTenant(tenant, 'CreateRoom', room, ({ chat }, options) =>
      chat.send(new CreateRoomCommand({ name, tags }), options),
    );
  }

  async getRoom(tenant: IvsTenant, arn: string): Promise<Room> {
    return await this.calls.callForTenant(tenant, 'GetRoom', room, ({ chat }, options) =>
      chat.send(new GetRoomCommand({ identifier: arn }), options),
    );
  }

  async deleteRoom(tenant: IvsTenant, arn: string): Promise<void> {
    await this.calls.callForTenant(tenant, 'DeleteRoom', anyAnswer, ({ chat }, options) =>
      chat.send(new DeleteRoomCommand({ identifier: arn }), options),
    );
  }

  /** All rooms of the account and Region, with their tags. */
  async listRooms(tenant: IvsTenant): Promise<Tagged[]> {
    return await collectPages(async (nextToken) => {
      const page = await this.calls.callForTenant(tenant, 'ListRooms', roomsPage, ({ chat }, options) =>
        chat.send(new ListRoomsCommand({ maxResults: 50, nextToken }), options),
      );
      return { items: page.rooms, nextToken: page.nextToken };
    });
  }

  /** Closes all connections of a user in a room. It is no ban: the user can connect again with a new token. */
  async disconnectUser(account: IvsAccount, roomIdentifier: string, userId: string, reason?: string): Promise<void> {
    await this.calls.call(account, 'DisconnectUser', anyAnswer, ({ chat }, options) =>
      chat.send(new DisconnectUserCommand({ roomIdentifier, userId, reason }), options),
    );
  }

  /** Sends an event that asks clients to hide a message. IVS does not erase it (API reference, `DeleteMessage`). */
  async deleteMessage(account: IvsAccount, roomIdentifier: string, id: string, reason?: string): Promise<void> {
    await this.calls.call(account, 'DeleteMessage', anyAnswer, ({ chat }, options) =>
      chat.send(new DeleteMessageCommand({ roomIdentifier, id, reason }), options),
    );
  }

  async sendEvent(
    account: IvsAccount,
    roomIdentifier: string,
    eventName: string,
    attributes: Record<string, string>,
  ): Promise<void> {
    await this.calls.call(account, 'SendEvent', anyAnswer, ({ chat }, options) =>
      chat.send(new SendEventCommand({ roomIdentifier, eventName, attributes }), options),
    );
  }

  async createChatToken(tenant: IvsTenant, request: ChatTokenRequest): Promise<ChatToken> {
    return await this.calls.callInTurn(tenant, 'CreateChatToken', chatToken, ({ chat }, options) =>
      chat.send(
        new CreateChatTokenCommand({
          roomIdentifier: request.roomArn,
          userId: request.userId,
          attributes: request.attributes,
          capabilities: [...request.capabilities] as ChatTokenCapability[],
          sessionDurationInMinutes: request.sessionMinutes,
        }),
        options,
      ),
    );
  }
}
