import { announce } from '../../messaging/announce.ts';
import { eventFrame } from '../../chat/frames.ts';
import { deleteMessageIn, disconnectUserFrom } from '../../messaging/moderation.ts';
import { attributesProblem } from '../../state/attributes.ts';
import { type Call, find, invalid } from '../../state/call.ts';
import type {
  DeleteMessageRequest,
  DeleteMessageResponse,
  DisconnectUserRequest,
  DisconnectUserResponse,
  SendEventRequest,
  SendEventResponse,
} from '../../chat/types.ts';

export function deleteMessage(call: Call, input: DeleteMessageRequest): DeleteMessageResponse {
  const room = find(call, call.scope.rooms, input.roomIdentifier);
  return { id: deleteMessageIn(call.world, room.arn, input.id, input.reason) };
}

export function disconnectUser(call: Call, input: DisconnectUserRequest): DisconnectUserResponse {
  const room = find(call, call.scope.rooms, input.roomIdentifier);
  disconnectUserFrom(call.world, room.arn, input.userId, input.reason);
  return {};
}

/** Sends an event to everybody in the room. Events are not reviewed (AWS docs). */
export function sendEvent(call: Call, input: SendEventRequest): SendEventResponse {
  const room = find(call, call.scope.rooms, input.roomIdentifier);
  const problem = attributesProblem(input.attributes, call.world.switches);
  if (problem) throw invalid('attributes', problem);
  const frame = eventFrame(call.now, input.eventName, input.attributes ?? {});
  announce(call.world, room.arn, frame);
  return { id: frame.Id };
}
