import type { Event, Stage } from '../realtime/types.ts';
import { iso } from '../clock.ts';
import { randomSessionId } from '../ids.ts';
import type { LeaveReason, ParticipantLife, Presence, Scope, SessionLife, StageLife } from '../state/scope.ts';
import type { World } from '../state/world.ts';
import { scheduleIdleStop, cancelIdleStop } from './composition-life.ts';

/** The active session of a stage. There is one while anybody is connected, and for the time of a switch after that. */
export function activeSession(life: StageLife | undefined): SessionLife | undefined {
  const last = life?.sessions.at(-1);
  return last?.endTime === undefined ? last : undefined;
}

/**
 * Returns the active session, and starts one if there is none. A session starts with the first join (service model).
 */
export function openSession(world: World, scope: Scope, stage: Stage, life: StageLife): SessionLife {
  const active = activeSession(life);
  if (active) {
    world.schedule.cancel('session-ends', stage.arn);
    cancelIdleStop(world, scope, stage.arn);
    return active;
  }
  const session = { sessionId: randomSessionId(), startTime: iso(world.clock.now()), participants: new Map() };
  life.sessions.push(session);
  stage.activeSessionId = session.sessionId;
  cancelIdleStop(world, scope, stage.arn);
  return session;
}

/** The participants of a session who are connected now. */
export function connectedIn(session: SessionLife | undefined): ParticipantLife[] {
  return [...(session?.participants.values() ?? [])].filter((life) => life.participant.state === 'CONNECTED');
}

/** Finds a participant who is connected to a stage now. */
export function connectedAs(scope: Scope, stageArn: string, participantId: string): Presence | undefined {
  const stage = scope.stages.get(stageArn);
  const participant = activeSession(scope.stageLives.get(stageArn))?.participants.get(participantId);
  if (!stage || participant?.participant.state !== 'CONNECTED') return undefined;
  return { scope, stage, participant };
}

/** Adds an event to the list that ListParticipantEvents answers for a participant. */
export function record(life: ParticipantLife, now: number, event: Omit<Event, 'participantId' | 'eventTime'>): void {
  const replica = life.mint === 'replica' && { replica: true };
  life.events.push({ participantId: life.participant.participantId, eventTime: iso(now), ...event, ...replica });
}

/**
 * Marks a participant as disconnected. The session ends after its last participant left (service model). A switch says
 * how soon.
 */
export function markDisconnected(world: World, { scope, stage, participant }: Presence, reason: LeaveReason): void {
  const now = world.clock.now();
  participant.participant.state = 'DISCONNECTED';
  participant.leaveReason = reason;
  record(participant, now, { name: 'LEFT' });
  const session = activeSession(scope.stageLives.get(stage.arn));
  if (!session || connectedIn(session).length > 0) return;
  scheduleIdleStop(world, scope, stage.arn);
  const endsAt = now + world.switches.stageSessionEndSeconds * 1000;
  if (endsAt === now) endEmptySession(scope, stage.arn, now);
  else {
    const { account, region } = scope;
    world.schedule.add({ at: endsAt, what: 'session-ends', account, region, arn: stage.arn });
  }
}

/** Ends the active session of a stage if nobody is connected. */
export function endEmptySession(scope: Scope, stageArn: string, now: number): void {
  const session = activeSession(scope.stageLives.get(stageArn));
  if (!session || connectedIn(session).length > 0) return;
  session.endTime = iso(now);
  delete scope.stages.get(stageArn)?.activeSessionId;
}
