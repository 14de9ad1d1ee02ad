import type { World } from '../state/world.ts';
import { announce, writeToLogs } from './announce.ts';
import { deleteMessageFrame, disconnectUserFrame } from '../chat/frames.ts';

/** Asks everybody in a room to remove a message from their display. The service stores no messages (service model). */
export function deleteMessageIn(
  world: World,
  roomArn: string,
  messageId: string,
  reason?: string,
  requestId?: string,
): string {
  const frame = deleteMessageFrame(world.clock.now(), messageId, reason, requestId);
  announce(world, roomArn, frame);
  return frame.Id;
}

/** Closes all connections of a user in a room. It is not a ban: an unused token still opens a connection. */
export function disconnectUserFrom(
  world: World,
  roomArn: string,
  userId: string,
  reason?: string,
  requestId?: string,
): void {
  const frame = disconnectUserFrame(world.clock.now(), userId, reason, requestId);
  const connections = world.chatRooms.list(roomArn).filter((connection) => connection.userId === userId);
  if (world.switches.disconnectUserEventTo === 'room') {
    announce(world, roomArn, frame);
  } else {
    for (const connection of connections) connection.send(JSON.stringify(frame));
    writeToLogs(world, roomArn, frame);
  }
  for (const connection of connections) connection.close('disconnected');
}
