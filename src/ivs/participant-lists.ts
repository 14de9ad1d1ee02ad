/** The calls that list who is on a stage. Moderation, tenants and looks at who is there make them, each at a rate of its own. */
import { GetStageCommand, ListParticipantsCommand } from '@aws-sdk/client-ivs-realtime';
import { z } from 'zod';
import type { Send } from './ivs-calls.ts';

const nonEmpty = z.string().min(1);

const activeSession = z.object({ stage: z.object({ activeSessionId: nonEmpty.optional() }) });

const participantsPage = z.object({
  participants: z.array(
    z.object({
      participantId: nonEmpty,
      userId: z.string().default(''),
      state: z.enum(['CONNECTED', 'DISCONNECTED']),
      published: z.boolean().default(false),
      firstJoinTime: z.date().optional(),
    }),
  ),
  nextToken: nonEmpty.optional(),
});

/** A participant of a stage, and the session of the stage they are in. */
export type Participant = z.output<typeof participantsPage>['participants'][number] & { sessionId: string };

/** IVS accepts one filter in a call (service model, `ListParticipantsRequest`). */
export type ParticipantFilter =
  | { filterByUserId: string }
  | { filterByPublished: true }
  | { filterByState: 'CONNECTED' };

/** A page of participants, and the token of the next one. */
export interface ParticipantsPage {
  participants: Participant[];
  nextToken?: string | undefined;
}

/** Makes a call of an operation that moderation, tenants and looks make. Each takes it from a rate of its own. */
export type MakeCall = <Answer extends z.ZodType>(
  operation: 'GetStage' | 'ListParticipants',
  answer: Answer,
  send: Send,
) => Promise<z.output<Answer>>;

export async function sessionOf(makeCall: MakeCall, arn: string): Promise<string | undefined> {
  const found = await makeCall('GetStage', activeSession, ({ realTime }, options) =>
    realTime.send(new GetStageCommand({ arn }), options),
  );
  return found.stage.activeSessionId;
}

export async function pageOf(
  makeCall: MakeCall,
  stageArn: string,
  sessionId: string,
  filter: ParticipantFilter | undefined,
  nextToken: string | undefined,
): Promise<ParticipantsPage> {
  const page = await makeCall('ListParticipants', participantsPage, ({ realTime }, options) =>
    realTime.send(new ListParticipantsCommand({ stageArn, sessionId, ...filter, maxResults: 100, nextToken }), options),
  );
  return { participants: page.participants.map((one) => ({ ...one, sessionId })), nextToken: page.nextToken };
}
