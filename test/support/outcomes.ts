/** Whether people are where they should be: what IVS shows, beside what the database says. */
import type { Emulator } from '../../emulator/src/emulator.ts';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

interface Place {
  ivs: Emulator;
  database: TestDatabase;
}

/** A space with the people who are banned there, and with the participant ids that Stagedoor gave them. */
const banned = `
  select s.stage_arn, s.room_arn, g.ivs_user_id, array_agg(g.participant_id) filter (where g.kind = 'stage') as participants
    from bans b
    join grants g on g.tenant_id = b.tenant_id and g.user_id = b.user_id and (b.space_id is null or g.space_id = b.space_id)
    join spaces s on s.tenant_id = g.tenant_id and s.id = g.space_id
   where b.lifted_at is null and (b.expires_at is null or b.expires_at > now())
   group by s.stage_arn, s.room_arn, g.ivs_user_id`;

/** Participants who were put out and against whom no act was in force then. */
const putOutWithoutAct = `
  select who.participant from unnest($1::text[]) as who (participant)
   where not exists (
     select from deliveries d
       join actions a on a.tenant_id = d.tenant_id and a.id = d.action_id
       left join bans b on b.tenant_id = a.tenant_id and b.id = a.ban_id
      where d.operation = 'DisconnectParticipant' and d.target = who.participant and d.attempts > 0
        and (d.done_at is null or d.done_at <= least(b.lifted_at, b.expires_at) is not false))`;

/** Chat connections that a call against an older token has closed. */
const cutWithNewerToken = `
  select d.id as call, g.id as grant from deliveries d
    join actions a on a.tenant_id = d.tenant_id and a.id = d.action_id
    join grants g on g.tenant_id = d.tenant_id and g.space_id = d.space_id and g.ivs_user_id = d.target and g.kind = 'chat'
   where d.operation = 'DisconnectUser' and d.state = 'done'
     and g.state in ('released', 'watched', 'revoked') and g.checked_at > a.created_at and g.checked_at < d.done_at`;

/** Who is banned and yet on a stage or in a room. */
export async function bannedInside({ ivs, database }: Place): Promise<string[]> {
  const rows = await database.query(banned);
  return rows.flatMap(({ stage_arn: stageArn, room_arn: roomArn, ivs_user_id: userId, participants }) => {
    const ids = (participants ?? []) as (string | null)[];
    const onStage =
      typeof stageArn === 'string' &&
      ivs
        .participants(stageArn)
        .some(
          (participant) =>
            participant.state === 'CONNECTED' &&
            (participant.userId === userId || ids.includes(participant.participantId)),
        );
    const inRoom =
      typeof roomArn === 'string' && ivs.chatConnections(roomArn).some((connection) => connection.userId === userId);
    return [
      ...(onStage ? [`${String(userId)} is on the stage`] : []),
      ...(inRoom ? [`${String(userId)} is in the room`] : []),
    ];
  });
}

/** Lawful people whom Stagedoor has put out: participants, and chat connections by the grant of their token. */
export async function lawfulPutOut({
  ivs,
  database,
}: Place): Promise<{ participants: unknown[]; connections: unknown[] }> {
  const stages = await database.query('select stage_arn from spaces where stage_arn is not null');
  const putOut = stages
    .flatMap(({ stage_arn: arn }) => ivs.participants(String(arn)))
    .filter(({ leaveReason }) => leaveReason === 'participant-disconnected')
    .map(({ participantId }) => participantId);
  const participants = await database.query(putOutWithoutAct, [putOut]);
  const connections = await database.query(cutWithNewerToken);
  return {
    participants: participants.map(({ participant }) => participant),
    connections: connections.map((row) => row['grant']),
  };
}

/** Waits until nobody who is banned is in, and fails if anybody was put out who might be in. */
export async function expectOutcomes(place: Place): Promise<void> {
  let inside: string[] = [];
  await until(async () => {
    inside = await bannedInside(place);
    return inside.length === 0;
  }, 'nobody who is banned is in').catch((error: unknown) => {
    throw new Error(`${String(error)}: ${inside.join(', ')}`);
  });
  expect(await lawfulPutOut(place)).toEqual({ participants: [], connections: [] });
}
