import { parseArn } from '../arns.ts';
import type { LeaveReason, TokenMint } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** A participant in the control API: what GetParticipant answers, and internal state that AWS does not show. */
export interface ParticipantView {
  sessionId: string;
  participantId: string;
  userId: string;
  attributes: Record<string, string>;
  state: 'CONNECTED' | 'DISCONNECTED';
  capabilities: { publish: boolean; subscribe: boolean };
  publishing: boolean;
  muted: boolean;
  mint: TokenMint;
  connection: number;
  leaveReason: LeaveReason | undefined;
}

/** Everybody who joined the sessions of a stage, oldest session first. */
export function viewParticipants(world: World, stageArn: string): ParticipantView[] {
  const arn = parseArn(stageArn);
  const life = world.scopes.get(`${arn?.account}/${arn?.region}`)?.stageLives.get(stageArn);
  return (life?.sessions ?? []).flatMap((session) =>
    [...session.participants.values()].map(
      ({ participant, capabilities, publishing, muted = false, mint, connection, leaveReason }) => ({
        sessionId: session.sessionId,
        participantId: participant.participantId,
        userId: participant.userId ?? '',
        attributes: participant.attributes ?? {},
        state: participant.state ?? 'DISCONNECTED',
        capabilities,
        publishing,
        muted,
        mint,
        connection,
        leaveReason: participant.state === 'DISCONNECTED' ? leaveReason : undefined,
      }),
    ),
  );
}
