import type { Event, Stage } from '../realtime/types.ts';
import { iso } from '../state/clock.ts';
import { sessionId } from '../state/ids.ts';
import type { LeaveReason, ParticipantLife, Scope, SessionLife, StageLife } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** What happened on a stage so far. */
export function lifeOf(scope: Scope, stageArn: string): StageLife | undefined {
  return scope.stageLives.get(stageArn);
}

/** The session that is going on, if anybody is on the stage. */
export function activeSession(life: StageLife | undefined): SessionLife | undefined {
  const last = life?.sessions.at(-1);
  return last?.endTime === undefined ? last : undefined;
}

/** The session that is going on, or a new one: it starts with the first join (service model). */
export function openSession(scope: Scope, stage: Stage, now: number): SessionLife {
  const life = scope.stageLives.get(stage.arn);
  const active = activeSession(life);
  if (active || !life) return active ?? newSession(now);
  const session = newSession(now);
  life.sessions.push(session);
  stage.activeSessionId = session.sessionId;
  return session;
}

function newSession(now: number): SessionLife {
  return { sessionId: sessionId(), startTime: iso(now), participants: new Map() };
}

/** Participants who are connected now. */
export function connectedIn(session: SessionLife | undefined): ParticipantLife[] {
  return [...(session?.participants.values() ?? [])].filter((life) => life.participant.state === 'CONNECTED');
}

/** Writes an event into a participant's record. */
export function record(life: ParticipantLife, now: number, event: Omit<Event, 'participantId' | 'eventTime'>): void {
  life.events.push({ participantId: life.participant.participantId, eventTime: iso(now), ...event });
}

/** Takes a participant off the stage; with the last one the session ends (service model). */
export function disconnect(
  scope: Scope,
  stage: Stage,
  participant: ParticipantLife,
  reason: LeaveReason,
  now: number,
): void {
  if (participant.participant.state !== 'CONNECTED') return;
  stopPublishing(participant, now);
  participant.participant.state = 'DISCONNECTED';
  participant.leaveReason = reason;
  record(participant, now, { name: 'LEFT' });
  const session = activeSession(lifeOf(scope, stage.arn));
  if (session && connectedIn(session).length === 0) {
    session.endTime = iso(now);
    delete stage.activeSessionId;
  }
}

/** Ends a participant's media, if there is any. */
export function stopPublishing(life: ParticipantLife, now: number): void {
  if (!life.publishing) return;
  life.publishing = false;
  record(life, now, { name: 'PUBLISH_STOPPED' });
}

/** Disconnects everybody, because the stage goes. */
export function endStage(_world: World, scope: Scope, stage: Stage, now: number): void {
  for (const participant of connectedIn(activeSession(lifeOf(scope, stage.arn)))) {
    disconnect(scope, stage, participant, 'stage-deleted', now);
  }
}

/** Disconnects those whose token was verified with this public key, on any stage. */
export function dropKeyHolders(_world: World, scope: Scope, keyArn: string, now: number): void {
  for (const stage of scope.stages.values()) {
    for (const participant of connectedIn(activeSession(lifeOf(scope, stage.arn)))) {
      if (participant.keyArn === keyArn) disconnect(scope, stage, participant, 'key-deleted', now);
    }
  }
}
