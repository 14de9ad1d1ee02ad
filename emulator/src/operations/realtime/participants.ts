import { disconnect } from '../../stage/leave.ts';
import { connectedAs } from '../../stage/session.ts';
import { type Call, find, invalid, notFound } from '../../state/call.ts';
import { parseArn } from '../../arns.ts';
import { wholeSeconds } from '../../eventbridge/envelope.ts';
import { page } from '../../state/pages.ts';
import type { ParticipantLife, SessionLife } from '../../state/scope.ts';
import type { Switches } from '../../state/switches.ts';
import { ServiceError } from '../../wire/service-error.ts';
import type {
  DisconnectParticipantRequest,
  DisconnectParticipantResponse,
  Event,
  GetParticipantRequest,
  GetParticipantResponse,
  GetStageSessionRequest,
  GetStageSessionResponse,
  ListParticipantEventsRequest,
  ListParticipantEventsResponse,
  ListParticipantsRequest,
  ListParticipantsResponse,
  ListStageSessionsRequest,
  ListStageSessionsResponse,
  ParticipantSummary,
} from '../../realtime/types.ts';

/**
 * Disconnects one participant id from a stage. It is not a ban: the same person can come back with another token.
 * Switches decide how long the id is refused, and what happens to an id that is not connected.
 */
export function disconnectParticipant(call: Call, input: DisconnectParticipantRequest): DisconnectParticipantResponse {
  const { scope, world, now } = call;
  const { stageArn, participantId } = input;
  const life = find(call, scope.stageLives, stageArn);
  if (participantId === '') throw invalid('participantId', 'must not be empty');
  const presence = connectedAs(scope, stageArn, participantId);
  if (presence) {
    disconnect(world, presence, 'participant-disconnected');
    life.kicked.set(participantId, now);
    return {};
  }
  const { absentParticipant } = world.switches;
  if (absentParticipant === 'not-found') {
    throw new ServiceError('ResourceNotFoundException', `participant ${participantId} is not connected to ${stageArn}`);
  }
  if (absentParticipant === 'refused-later') life.kicked.set(participantId, now);
  return {};
}

export function getParticipant(call: Call, input: GetParticipantRequest): GetParticipantResponse {
  const session = findSession(call, input.stageArn, input.sessionId);
  const life = session.participants.get(input.participantId);
  if (!life) {
    throw new ServiceError('ResourceNotFoundException', `participant ${input.participantId} never joined this session`);
  }
  // The members about a recording are empty texts when there is none (service model).
  return { participant: { recordingS3BucketName: '', recordingS3Prefix: '', ...life.participant } };
}

export function getStageSession(call: Call, input: GetStageSessionRequest): GetStageSessionResponse {
  const { sessionId, startTime, endTime } = findSession(call, input.stageArn, input.sessionId);
  return { stageSession: { sessionId, startTime, endTime } };
}

/** Lists the sessions of a stage, newest first. */
export function listStageSessions(call: Call, input: ListStageSessionsRequest): ListStageSessionsResponse {
  const { stageArn } = input;
  const sessions = sessionsOf(call, stageArn).toReversed();
  const { items, nextToken } = page(sessions, (session) => session.sessionId, `ListStageSessions ${stageArn}`, input);
  const stageSessions = items.map(({ sessionId, startTime, endTime }) => ({ sessionId, startTime, endTime }));
  return { stageSessions, nextToken };
}

const FILTERS = ['filterByUserId', 'filterByPublished', 'filterByState', 'filterByRecordingState'] as const;

/** Lists everybody who joined the session. Unused tokens are not listed. At most one filter may be given (AWS docs). */
export function listParticipants(call: Call, input: ListParticipantsRequest): ListParticipantsResponse {
  const { stageArn, sessionId } = input;
  const given = FILTERS.filter((filter) => input[filter] !== undefined);
  if (given.length > 1) throw invalid(given[1] ?? '', 'must not be given together with another filter');
  const [filter] = given;
  const session = sessionsOf(call, stageArn).find((candidate) => candidate.sessionId === sessionId);
  const lives = [...(session?.participants.values() ?? [])].filter((life) => passesFilter(life, input));
  const list = `ListParticipants ${stageArn} ${sessionId} ${filter}=${filter && input[filter]}`;
  const { items, nextToken } = page(lives, (life) => life.participant.participantId, list, input);
  return { participants: items.map(summaryOf), nextToken };
}

function passesFilter({ participant }: ParticipantLife, input: ListParticipantsRequest): boolean {
  const { filterByUserId, filterByPublished, filterByState, filterByRecordingState } = input;
  return (
    (filterByUserId === undefined || participant.userId === filterByUserId) &&
    (filterByPublished === undefined || participant.published === filterByPublished) &&
    (filterByState === undefined || participant.state === filterByState) &&
    (filterByRecordingState === undefined || participant.recordingState === filterByRecordingState)
  );
}

/**
 * The members of a participant in a list. Only GetParticipant answers attributes and client details (service model).
 */
function summaryOf({ participant }: ParticipantLife): ParticipantSummary {
  const { participantId, userId, state, firstJoinTime, published, recordingState } = participant;
  const { replicationType, replicationState, sourceStageArn, sourceSessionId } = participant;
  const { redundantIngest, ingestConfigurationArn } = participant;
  return {
    participantId,
    userId,
    state,
    firstJoinTime,
    published,
    recordingState,
    replicationType,
    replicationState,
    sourceStageArn,
    sourceSessionId,
    redundantIngest,
    ingestConfigurationArn,
  };
}

/** Lists the events of a participant. Switches decide the order and the precision of the times. */
export function listParticipantEvents(call: Call, input: ListParticipantEventsRequest): ListParticipantEventsResponse {
  const { stageArn, sessionId, participantId } = input;
  const session = sessionsOf(call, stageArn).find((candidate) => candidate.sessionId === sessionId);
  const events = (session?.participants.get(participantId)?.events ?? []).map((event, index) => ({ event, index }));
  const { participantEventsOrder: order, participantEventTimes: times } = call.world.switches;
  const shown = inOrder(
    events.map(({ event, index }) => ({ event: times === 'seconds' ? withWholeSeconds(event) : event, index })),
    order,
  );
  const list = `ListParticipantEvents ${stageArn} ${sessionId} ${participantId} ${order}`;
  const { items, nextToken } = page(shown, ({ index }) => String(index), list, input);
  return { events: items.map(({ event }) => event), nextToken };
}

function withWholeSeconds(event: Event): Event {
  return event.eventTime === undefined ? event : { ...event, eventTime: wholeSeconds(Date.parse(event.eventTime)) };
}

function inOrder<Item extends { event: Event }>(
  oldestFirst: Item[],
  order: Switches['participantEventsOrder'],
): Item[] {
  if (order === 'oldest-first') return oldestFirst;
  if (order === 'newest-first') return oldestFirst.toReversed();
  const time = ({ event }: Item): number => Date.parse(event.eventTime ?? '');
  // `toSorted` is stable: events of the same shown time stay oldest first.
  return oldestFirst.toSorted((a, b) => time(b) - time(a));
}

function findSession(call: Call, stageArn: string, sessionId: string): SessionLife {
  const { sessions } = find(call, call.scope.stageLives, stageArn);
  const session = sessions.find((candidate) => candidate.sessionId === sessionId);
  if (!session) {
    throw new ServiceError('ResourceNotFoundException', `stage ${stageArn} has no session ${sessionId}`);
  }
  return session;
}

/**
 * The sessions of a stage. A stage that does not exist has none, because the models of these list operations have no
 * ResourceNotFoundException.
 *
 * @throws ServiceError for a stage of another account.
 */
function sessionsOf(call: Call, stageArn: string): SessionLife[] {
  if (parseArn(stageArn)?.account !== call.scope.account) throw notFound(call, stageArn);
  return call.scope.stageLives.get(stageArn)?.sessions ?? [];
}
