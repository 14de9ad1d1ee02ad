import { type Call, find, invalid, newArn, notFound } from '../../state/call.ts';
import { idOf } from '../../arns.ts';
import { iso } from '../../clock.ts';
import { page } from '../../state/pages.ts';
import type { Room } from '../../state/scope.ts';
import type {
  CreateRoomRequest,
  CreateRoomResponse,
  DeleteRoomRequest,
  GetRoomRequest,
  GetRoomResponse,
  ListRoomsRequest,
  ListRoomsResponse,
  MessageReviewHandler,
  UpdateRoomRequest,
  UpdateRoomResponse,
} from '../../chat/types.ts';

/** Messages a second, when the input does not say (service model). */
const DEFAULT_RATE = 10;
/** Code points in a message, when the input does not say (service model). */
const DEFAULT_LENGTH = 500;

export function createRoom(call: Call, input: CreateRoomRequest): CreateRoomResponse {
  const arn = newArn(call, 'room');
  requireLoggingConfigurations(call, input.loggingConfigurationIdentifiers);
  requireOwnHandler(call, input.messageReviewHandler);
  const room: Room = {
    arn,
    id: idOf(arn),
    name: input.name ?? '',
    createTime: iso(call.now),
    updateTime: iso(call.now),
    maximumMessageRatePerSecond: input.maximumMessageRatePerSecond ?? DEFAULT_RATE,
    maximumMessageLength: input.maximumMessageLength ?? DEFAULT_LENGTH,
    ...handlerOf(input.messageReviewHandler),
    tags: input.tags ?? {},
    loggingConfigurationIdentifiers: input.loggingConfigurationIdentifiers ?? [],
  };
  call.scope.rooms.set(arn, room);
  return room;
}

export function getRoom(call: Call, input: GetRoomRequest): GetRoomResponse {
  return find(call, call.scope.rooms, input.identifier);
}

/** Lists rooms, the most recently changed first (AWS docs). A room must pass all filters that are given. */
export function listRooms(call: Call, input: ListRoomsRequest): ListRoomsResponse {
  const { name, messageReviewHandlerUri: uri, loggingConfigurationIdentifier: logging } = input;
  requireLoggingConfigurations(call, logging === undefined ? undefined : [logging]);
  const rooms = [...call.scope.rooms.values()]
    .filter(
      (room) =>
        (name === undefined || room.name === name) &&
        (uri === undefined || room.messageReviewHandler?.uri === uri) &&
        (logging === undefined || room.loggingConfigurationIdentifiers?.includes(logging)),
    )
    .reverse()
    .sort((a, b) => b.updateTime.localeCompare(a.updateTime));
  const list = `ListRooms ${JSON.stringify([name, uri, logging])}`;
  const { items, nextToken } = page(rooms, (room) => room.arn, list, input);
  return { rooms: items.map(summaryOf), nextToken };
}

function summaryOf(room: Room): Omit<Room, 'maximumMessageRatePerSecond' | 'maximumMessageLength'> {
  const { maximumMessageRatePerSecond: _rate, maximumMessageLength: _length, ...summary } = room;
  return summary;
}

export function updateRoom(call: Call, input: UpdateRoomRequest): UpdateRoomResponse {
  const room = find(call, call.scope.rooms, input.identifier);
  requireLoggingConfigurations(call, input.loggingConfigurationIdentifiers);
  requireOwnHandler(call, input.messageReviewHandler);
  const { identifier: _identifier, messageReviewHandler, ...changes } = input;
  Object.assign(room, changes, { updateTime: iso(call.now) });
  if (messageReviewHandler) {
    delete room.messageReviewHandler;
    Object.assign(room, handlerOf(messageReviewHandler));
  }
  return room;
}

/** Deletes a room and disconnects everybody in it (AWS docs). */
export function deleteRoom(call: Call, input: DeleteRoomRequest): Record<string, never> {
  const room = find(call, call.scope.rooms, input.identifier);
  call.scope.rooms.delete(room.arn);
  call.world.chatRooms.closeRoom(room.arn, 'room deleted');
  return {};
}

/**
 * Reads a review handler from an input. An empty URI means that the room has no handler (service model). The answers of
 * AWS for such a room have no `messageReviewHandler` (AWS CLI reference, `create-room`).
 */
function handlerOf(wanted: MessageReviewHandler | undefined): Pick<Room, 'messageReviewHandler'> {
  if (!wanted?.uri) return {};
  return { messageReviewHandler: { uri: wanted.uri, fallbackResult: wanted.fallbackResult ?? 'ALLOW' } };
}

/** Refuses a Lambda function of another account or Region (AWS docs, message review handler). */
function requireOwnHandler(call: Call, handler: MessageReviewHandler | undefined): void {
  const { account, region } = call.scope;
  if (handler?.uri && !handler.uri.startsWith(`arn:aws:lambda:${region}:${account}:`)) {
    throw invalid('messageReviewHandler.uri', `must be a Lambda function of account ${account} in ${region}`);
  }
}

function requireLoggingConfigurations(call: Call, arns: string[] | undefined): void {
  for (const arn of arns ?? []) {
    if (!call.scope.loggingConfigurations.has(arn)) throw notFound(call, arn);
  }
}
