import { z } from 'zod';
import { exampleId } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';

/** A participant of a stage, as answers show them. */
export const participant = z
  .object({
    participantId: z.string(),
    userId: z.string(),
    role: z.string().optional(),
    state: z.enum(['CONNECTED', 'DISCONNECTED']).meta({ id: 'ParticipantState' }),
    publishing: z.boolean().meta({ description: 'Whether they publish, or have published in this session.' }),
    joinedAt: z.iso.datetime().optional(),
    grantId: z.string().optional().meta({ description: 'Absent: the token of the participant is not from Stagedoor.' }),
  })
  .meta({
    id: 'Participant',
    examples: [
      {
        participantId: 'AbCdEfGh1234',
        userId: 'user-42',
        role: 'speaker',
        state: 'CONNECTED',
        publishing: true,
        joinedAt: '2026-03-01T19:00:05.000Z',
        grantId: exampleId('grt'),
      },
    ],
  });
export type Participant = z.output<typeof participant>;

/** A page of participants. */
export const participantPage = pageOf(participant);
