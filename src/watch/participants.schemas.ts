import { z } from 'zod';
import { pageOf } from '../http/paging.ts';

export const participant = z
  .object({
    participantId: z.string(),
    userId: z.string(),
    role: z.string().optional(),
    state: z.enum(['CONNECTED', 'DISCONNECTED']),
    publishing: z.boolean(),
    joinedAt: z.iso.datetime().optional(),
    grantId: z.string().optional().meta({ description: 'Absent if Stagedoor did not vend the participant’s token.' }),
  })
  .meta({ id: 'Participant' });
export type Participant = z.output<typeof participant>;

export const participantPage = pageOf(participant);
