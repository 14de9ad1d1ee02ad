import { z } from 'zod';
import { exampleId, pathName } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';

const startedAt = '2026-03-01T19:00:00.000Z';
const endedAt = '2026-03-01T20:00:00.000Z';
const sessionExample = 'st-AbCdEfGhIjKl1';

/** Schema of the id of a session in a path (service model, `StageSessionId`). */
export const pathSessionId = pathName(/^st-[a-zA-Z0-9]{1,61}$/, 'session').meta({
  description: 'Id of the session at IVS.',
  examples: [sessionExample],
});

/** Schema of the id of a participant in a path. */
export const pathParticipantId = pathName(/^[A-Za-z0-9_-]{1,64}$/, 'participant').meta({
  description: 'Id of the participant at IVS.',
  examples: ['AbCdEfGh1234'],
});

const participants = z.int().meta({ description: 'How many participants it has had, as far as is known.' });

/** A session of a stage: from the first who joins until everybody has left. */
export const stageSession = z
  .object({
    sessionId: z.string(),
    spaceId: z.string(),
    startedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable().meta({ description: 'Null: it goes on.' }),
    participants,
  })
  .meta({
    id: 'StageSession',
    examples: [{ sessionId: sessionExample, spaceId: exampleId('spc'), startedAt, endedAt, participants: 12 }],
  });
export type StageSession = z.output<typeof stageSession>;
export const stageSessionPage = pageOf(stageSession);

const whoAndWhen = {
  participantId: z.string(),
  userId: z.string().meta({ description: 'Empty: Amazon IVS names none, and the token is not from Stagedoor.' }),
  role: z.string().nullable().meta({ description: 'Null: the token is not from Stagedoor.' }),
  joinedAt: z.iso.datetime().meta({ description: 'When they came for the first time.' }),
  leftAt: z.iso.datetime().nullable().meta({
    description:
      'When they had left: the end of the session, or the time of the look that missed them first. Null: they are there.',
  }),
  stays: z.int().meta({ description: 'How many times they were there: they can come again with the same token.' }),
  published: z.boolean().meta({ description: 'Whether they have published.' }),
};
const whoAndWhenExample = {
  participantId: 'AbCdEfGh1234',
  userId: 'user-42',
  role: 'speaker',
  joinedAt: startedAt,
  leftAt: endedAt,
  stays: 1,
  published: true,
};

/** A participant of a session. */
export const sessionParticipant = z
  .object({
    ...whoAndWhen,
    grantId: z.string().nullable(),
    publishing: z.boolean(),
    seenAt: z.iso.datetime().meta({ description: 'The last time at which they were there for certain.' }),
    certainty: z.enum(['confirmed', 'reported']).meta({
      description:
        'What `seenAt` rests on. `confirmed`: Amazon IVS has listed them. `reported`: an event of Amazon IVS says so.',
    }),
  })
  .meta({
    id: 'SessionParticipant',
    examples: [
      { ...whoAndWhenExample, grantId: exampleId('grt'), publishing: false, seenAt: endedAt, certainty: 'confirmed' },
    ],
  });
export type SessionParticipant = z.output<typeof sessionParticipant>;
export const sessionParticipantPage = pageOf(sessionParticipant);

/** How long a participant was there. */
export const attendance = z
  .object({
    ...whoAndWhen,
    seconds: z.int().meta({ description: 'Seconds that they were there, without the time between two stays.' }),
  })
  .meta({ id: 'Attendance', examples: [{ ...whoAndWhenExample, seconds: 3_600 }] });
export type Attendance = z.output<typeof attendance>;
export const attendancePage = pageOf(attendance);

/** What happened to a participant, as IVS lists it. */
export const participantEvent = z
  .object({
    participantId: z.string(),
    name: z.string().meta({ description: 'The name that Amazon IVS gives it.', examples: ['PUBLISH_STARTED'] }),
    at: z.iso.datetime().meta({ description: 'Amazon IVS gives milliseconds, or whole seconds.' }),
    remoteParticipantId: z.string().optional().meta({ description: 'The participant whom it is about, too.' }),
    errorCode: z.string().optional(),
    capabilities: z.array(z.string()).optional().meta({
      description: 'Of TOKEN_EXCHANGED: what the new token allows.',
    }),
  })
  .meta({ id: 'ParticipantEvent', examples: [{ participantId: 'AbCdEfGh1234', name: 'JOINED', at: startedAt }] });
export type ParticipantEventAnswer = z.output<typeof participantEvent>;
export const participantEventPage = pageOf(participantEvent);
