import { z } from 'zod';
import { exampleId } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';

/** How certain it is that somebody is there. */
export const certainty = z.enum(['confirmed', 'reported', 'presumed']).meta({
  id: 'Certainty',
  description:
    '`confirmed`: Amazon IVS has listed them. `reported`: an event of Amazon IVS says so. `presumed`: they hold a token that can be used. That is all that can be known of a chat room.',
});

/** Certainties as a filter: some of them, with commas between. */
const certainties = z
  .string()
  .transform((value) => value.split(','))
  .pipe(z.array(certainty).min(1).max(3))
  .default(['confirmed', 'reported'])
  .meta({
    description:
      'Only people of whom it is so certain; several have commas between. Without it: confirmed and reported.',
    examples: ['confirmed,reported,presumed'],
  });

/** The query of the list of who is there. */
export const participantsQuery = z.strictObject({ ...pageQuery, certainty: certainties });
export type ParticipantsQuery = z.output<typeof participantsQuery>;

/** Somebody who is there, or may be, as answers show them. */
export const participant = z
  .object({
    kind: z.enum(['stage', 'chat']).meta({
      id: 'ParticipantKind',
      description: 'Where they are. Those in the chat room are always presumed.',
    }),
    participantId: z.string().optional().meta({ description: 'Absent in the chat room, which has no such ids.' }),
    userId: z.string(),
    role: z.string().optional(),
    state: z.enum(['CONNECTED', 'DISCONNECTED', 'UNKNOWN']).meta({
      id: 'ParticipantState',
      description: '`UNKNOWN`: they are presumed.',
    }),
    publishing: z.boolean().meta({
      description: 'Whether they publish. Where nothing reports that they have stopped: whether they have published.',
    }),
    joinedAt: z.iso.datetime().optional(),
    grantId: z.string().optional().meta({ description: 'Absent: the token of the participant is not from Stagedoor.' }),
    seenAt: z.iso.datetime().meta({
      description: 'The last time at which they were there for certain; of somebody presumed, when they got the token.',
    }),
    certainty,
  })
  .meta({
    id: 'Participant',
    examples: [
      {
        kind: 'stage',
        participantId: 'AbCdEfGh1234',
        userId: 'user-42',
        role: 'speaker',
        state: 'CONNECTED',
        publishing: true,
        joinedAt: '2026-03-01T19:00:05.000Z',
        grantId: exampleId('grt'),
        seenAt: '2026-03-01T19:10:00.000Z',
        certainty: 'confirmed',
      },
    ],
  });
export type Participant = z.output<typeof participant>;

/** A page of participants. */
export const participantPage = pageOf(participant);
