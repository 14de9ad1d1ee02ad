import { parseArn } from '../arns.ts';
import type { Presence } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { exchangeToken } from './exchange.ts';
import { startIngest } from './ingest.ts';
import type { Joined } from './join.ts';
import { disconnect } from './leave.ts';
import { publish, subscribe, unpublish, unsubscribe } from './media.ts';
import { StageRefusal } from './refusal.ts';
import { mirrorMedia } from './replication.ts';
import { connectedAs } from './session.ts';

/** Names a participant, as `join` answers it. With `connection`, that one only: not another made by the same token. */
export type ParticipantRef = Pick<Joined, 'stageArn' | 'participantId'> & Partial<Pick<Joined, 'connection'>>;

/** What clients do on a stage, driven by a test instead of media. */
export const stageControl = {
  publish(world: World, ref: ParticipantRef): void {
    const on = find(world, ref);
    publish(world, on);
    mirrorMedia(world, on);
  },

  unpublish(world: World, ref: ParticipantRef): void {
    const on = find(world, ref);
    unpublish(world, on);
    mirrorMedia(world, on);
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
  const on = scope && connectedAs(scope, stageArn, participantId);
  if (!on || (connection !== undefined && connection !== on.participant.connection)) {
    throw new StageRefusal('NOT_CONNECTED', `${participantId} is not connected to ${stageArn}`);
  }
  return on;
}
