import { parseArn } from '../arns.ts';
import type { World } from '../state/world.ts';
import type { EventFrame, MessageFrame } from '../chat/frames.ts';

/** Sends a frame to everybody in a room, and records it in the room's logs. */
export function announce(world: World, roomArn: string, frame: EventFrame | MessageFrame): void {
  world.chatRooms.broadcast(roomArn, frame);
  writeToLogs(world, roomArn, frame);
}

/** Records a frame at the destination of each ACTIVE logging configuration of the room (AWS docs, chat logging). */
export function writeToLogs(world: World, roomArn: string, frame: EventFrame | MessageFrame): void {
  const arn = parseArn(roomArn);
  const scope = world.scopes.get(`${arn?.account}/${arn?.region}`);
  const room = scope?.rooms.get(roomArn);
  for (const identifier of room?.loggingConfigurationIdentifiers ?? []) {
    const configuration = scope?.loggingConfigurations.get(identifier);
    if (configuration?.state !== 'ACTIVE' || !configuration.destinationConfiguration) continue;
    world.chatLogs.write(roomArn, configuration.destinationConfiguration, frame, world.clock.now());
  }
}
