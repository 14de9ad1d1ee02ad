import { parseArn } from '../arns.ts';
import type { Presence } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { exchangeToken } from './exchange.ts';
import { startIngest } from './ingest.ts';
import type { Joined } from './join.ts';
import { disconnect } from './leave.ts';
import { mute, publish, subscribe, unpublish, unsubscribe } from './media.ts';
import { StageRefusal } from './refusal.ts';
import { mirrorMedia } from './replication.ts';
import { connectedAs } from './session.ts';

/**
 * Names a participant by what `join` answers. With `connection`, it names that connection only. Without it, it names
 * the present connection of the participant id.
 */
export type ParticipantRef = Pick<Joined, 'stageArn' | 'participantId'> & Partial<Pick<Joined, 'connection'>>;

/** What a participant does on a stage. A test calls these functions in place of a client. */
export const stageControl = {
  publish(world: World, ref: ParticipantRef): void {
    const presence = find(world, ref);
    publish(world, presence);
    mirrorMedia(world, presence);
  },

  unpublish(world: World, ref: ParticipantRef): void {
    const presence = find(world, ref);
    unpublish(world, presence);
    mirrorMedia(world, presence);
  },

  mute(world: World, ref: ParticipantRef, muted: boolean): void {
    const presence = find(world, ref);
    mute(presence, muted);
    mirrorMedia(world, presence);
  },

  subscribe(world: World, ref: ParticipantRef, remoteParticipantId: string): void {
    subscribe(world, find(world, ref), remoteParticipantId);
  },

  unsubscribe(world: World, ref: ParticipantRef, remoteParticipantId: string): void {
    unsubscribe(world, find(world, ref), remoteParticipantId);
  },

  leave(world: World, ref: ParticipantRef): void {
    disconnect(world, find(world, ref), 'user-initiated');
  },

  exchange(world: World, ref: ParticipantRef, token: string): void {
    exchangeToken(world, find(world, ref), token);
  },

  ingest(world: World, streamKey: string): ParticipantRef {
    const { stage, participant } = startIngest(world, streamKey);
    const { participantId } = participant.participant;
    return { stageArn: stage.arn, participantId, connection: participant.connection };
  },
};

function find(world: World, { stageArn, participantId, connection }: ParticipantRef): Presence {
  const arn = parseArn(stageArn);
  const scope = world.scopes.get(`${arn?.account}/${arn?.region}`);
  const presence = scope && connectedAs(scope, stageArn, participantId);
  if (!presence || (connection !== undefined && connection !== presence.participant.connection)) {
    throw new StageRefusal('NOT_CONNECTED', `${participantId} is not connected to ${stageArn}`);
  }
  return presence;
}
