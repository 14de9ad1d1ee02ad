import type { IngestConfiguration } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import type { ParticipantLife, Presence, Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { publish } from './media.ts';
import { StageRefusal } from './refusal.ts';
import { connectedAs, openSession, record } from './session.ts';

/** The expiry of an ingest participant, which has no token: the latest time that a Date can hold. */
const NEVER = 8_640_000_000_000_000;

/**
 * Starts the stream of an encoder. The participant of the ingest configuration joins its stage and publishes.
 *
 * @throws StageRefusal when no configuration has the key, its stage does not exist, or the key is in use.
 */
export function startIngest(world: World, streamKey: string): Presence {
  const { scope, ingest, participantId } = findByKey(world, streamKey);
  const stage = scope.stages.get(ingest.stageArn);
  const life = scope.stageLives.get(ingest.stageArn);
  if (!stage || !life) throw new StageRefusal('STAGE_DELETED', 'the ingest configuration names no stage that exists');
  if (connectedAs(scope, stage.arn, participantId)) throw new StageRefusal('TOKEN_INVALID', 'the stream key is in use');
  const session = openSession(world, scope, stage, life);
  const participant = newIngestParticipant(ingest, participantId, world.clock.now());
  session.participants.set(participantId, participant);
  record(participant, world.clock.now(), { name: 'JOINED' });
  ingest.state = 'ACTIVE';
  const presence = { scope, stage, participant };
  publish(world, presence);
  return presence;
}

function findByKey(world: World, streamKey: string) {
  for (const scope of world.scopes.values()) {
    for (const ingest of scope.ingestConfigurations.values()) {
      const credentials = ingest.redundantIngestCredentials ?? [ingest];
      const match = credentials.find((credential) => credential.streamKey === streamKey);
      if (match?.participantId) return { scope, ingest, participantId: match.participantId };
    }
  }
  throw new StageRefusal('TOKEN_INVALID', 'no ingest configuration has this stream key');
}

function newIngestParticipant(ingest: IngestConfiguration, participantId: string, now: number): ParticipantLife {
  return {
    participant: {
      participantId,
      userId: ingest.userId ?? '',
      attributes: ingest.attributes ?? {},
      state: 'CONNECTED',
      firstJoinTime: iso(now),
      published: false,
      recordingState: 'DISABLED',
      protocol: ingest.ingestProtocol,
      replicationType: 'NONE',
      redundantIngest: ingest.redundantIngest ?? false,
      ingestConfigurationArn: ingest.arn,
    },
    events: [],
    mint: 'ingest',
    capabilities: { publish: true, subscribe: false },
    tokenExpiresAt: NEVER,
    connection: 1,
    publishing: false,
  };
}

/** The participants of an ingest configuration that are connected now. */
export function connectedStreams(scope: Scope, ingest: IngestConfiguration): Presence[] {
  const ids = (ingest.redundantIngestCredentials ?? [ingest]).map((credential) => credential.participantId ?? '');
  return [...scope.stages.keys()].flatMap((stageArn) =>
    ids.map((id) => connectedAs(scope, stageArn, id)).filter((presence) => presence !== undefined),
  );
}
