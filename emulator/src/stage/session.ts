import type { Event, Stage } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import { sessionId } from '../ids.ts';
import type { LeaveReason, ParticipantLife, Presence, Scope, SessionLife, StageLife } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { stageEmptied, stageFilled } from './composition-life.ts';

/** The session that is going on, if anybody is on the stage. */
export function activeSession(life: StageLife | undefined): SessionLife | undefined {
  const last = life?.sessions.at(-1);
  return last?.endTime === undefined ? last : undefined;
}

/** The session that is going on, or a new one: it starts with the first join (service model). */
export function openSession(world: World, scope: Scope, stage: Stage, life: StageLife): SessionLife {
  const active = activeSession(life);
  if (active) return active;
  const session = { sessionId: sessionId(), startTime: iso(world.clock.now()), participants: new Map() };
  life.sessions.push(session);
  stage.activeSessionId = session.sessionId;
  stageFilled(world, scope, stage.arn);
  return session;
}

/** Participants who are connected now. */
export function connectedIn(session: SessionLife | undefined): ParticipantLife[] {
  return [...(session?.participants.values() ?? [])].filter((life) => life.participant.state === 'CONNECTED');
}

/** A participant who is connected to a stage now. */
export function connectedAs(scope: Scope, stageArn: string, participantId: string): Presence | undefined {
  const stage = scope.stages.get(stageArn);
  const participant = activeSession(scope.stageLives.get(stageArn))?.participants.get(participantId);
  if (!stage || participant?.participant.state !== 'CONNECTED') return undefined;
  return { scope, stage, participant };
}

/** Writes an event into a participant's record. */
export function record(life: ParticipantLife, now: number, event: Omit<Event, 'participantId' | 'eventTime'>): void {
  const replica = life.mint === 'replica' && { replica: true };
  life.events.push({ participantId: life.participant.participantId, eventTime: iso(now), ...event, ...replica });
}

/** Takes a participant off the stage; with the last one the session ends (service model). */
export function depart(world: World, { scope, stage, participant }: Presence, reason: LeaveReason): void {
  const now = world.clock.now();
  participant.participant.state = 'DISCONNECTED';
  participant.leaveReason = reason;
  record(participant, now, { name: 'LEFT' });
  const session = activeSession(scope.stageLives.get(stage.arn));
  if (!session || connectedIn(session).length > 0) return;
  session.endTime = iso(now);
  delete stage.activeSessionId;
  stageEmptied(world, scope, stage.arn);
}
