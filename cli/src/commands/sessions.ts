import type { Command } from 'commander';
import { connect } from '../connection.ts';
import { type Common, type CommonOfList, group, leaf, listed } from '../leaf.ts';
import { record, show, showList } from '../output.ts';

/** `stagedoor session`: sessions of stages, and who was there. */
export function addSessions(program: Command): void {
  const session = group(program, 'session', 'Sessions of a stage: who was there, and for how long');
  listed(
    leaf(session, 'list <space>', {
      summary: 'List the sessions of the stage of a space, the newest first',
      more: 'A session lasts from the first who joins until everybody has left.',
      examples: ['stagedoor session list $SPACE', 'stagedoor session list $SPACE --limit 1 --field sessionId'],
    }),
  ).action(async (spaceId: string, options: CommonOfList) => {
    const entries = connect(options).api.list('/v1/spaces/{spaceId}/sessions', { path: { spaceId } });
    await showList(options, entries, [
      ['id', ({ sessionId }) => sessionId],
      ['started', ({ startedAt }) => startedAt],
      ['ended', ({ endedAt }) => endedAt],
      ['participants', ({ participants }) => participants],
    ]);
  });
  leaf(session, 'get <space> <session>', {
    summary: 'Show a session',
    examples: ['stagedoor session get $SPACE $SESSION'],
  }).action(async (spaceId: string, sessionId: string, options: Common) => {
    const params = { path: { spaceId, sessionId } };
    const found = await connect(options).api.GET('/v1/spaces/{spaceId}/sessions/{sessionId}', { params });
    show(options, found, () => record(found));
  });
  addParticipants(session);
}

function addParticipants(session: Command): void {
  listed(
    leaf(session, 'attendance <space> <session>', {
      summary: 'Show how long each participant of a session was there',
      examples: ['stagedoor session attendance $SPACE $SESSION'],
    }),
  ).action(async (spaceId: string, sessionId: string, options: CommonOfList) => {
    const path = { spaceId, sessionId };
    const entries = connect(options).api.list('/v1/spaces/{spaceId}/sessions/{sessionId}/attendance', { path });
    await showList(options, entries, [
      ['user', ({ userId }) => userId],
      ['role', ({ role }) => role],
      ['joined', ({ joinedAt }) => joinedAt],
      ['left', ({ leftAt }) => leftAt],
      ['seconds', ({ seconds }) => seconds],
      ['stays', ({ stays }) => stays],
      ['published', ({ published }) => published],
    ]);
  });
  listed(
    leaf(session, 'participants <space> <session>', {
      summary: 'List the participants of a session',
      more: 'For those who are there now, see stagedoor who.',
      examples: ['stagedoor session participants $SPACE $SESSION'],
    }),
  ).action(async (spaceId: string, sessionId: string, options: CommonOfList) => {
    const path = { spaceId, sessionId };
    const entries = connect(options).api.list('/v1/spaces/{spaceId}/sessions/{sessionId}/participants', { path });
    await showList(options, entries, [
      ['participant', ({ participantId }) => participantId],
      ['user', ({ userId }) => userId],
      ['role', ({ role }) => role],
      ['joined', ({ joinedAt }) => joinedAt],
      ['left', ({ leftAt }) => leftAt],
      ['grant', ({ grantId }) => grantId],
      ['certainty', ({ certainty }) => certainty],
    ]);
  });
  listed(
    leaf(session, 'events <space> <session> <participant>', {
      summary: 'List what happened to a participant',
      more: 'It is what Amazon IVS tells: when they joined, published and left, and with which errors.',
      examples: ['stagedoor session events $SPACE $SESSION $PARTICIPANT'],
    }),
  ).action(async (spaceId: string, sessionId: string, participantId: string, options: CommonOfList) => {
    const entries = connect(options).api.list(
      '/v1/spaces/{spaceId}/sessions/{sessionId}/participants/{participantId}/events',
      { path: { spaceId, sessionId, participantId } },
    );
    await showList(options, entries, [
      ['at', ({ at }) => at],
      ['event', ({ name }) => name],
      ['with', ({ remoteParticipantId }) => remoteParticipantId],
      ['error', ({ errorCode }) => errorCode],
    ]);
  });
}
