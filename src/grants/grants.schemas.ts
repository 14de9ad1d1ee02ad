import { z } from 'zod';
import { filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { userId } from '../http/text.ts';

export const grantState = z.enum(['live', 'watched', 'revoked', 'expired']).meta({
  description:
    'live: could be used. watched: acted against, but IVS cannot revoke an unused token, so it is watched until it has expired. revoked: IVS confirmed that it opens nothing any more. expired: too late to use.',
});

export const grantsQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  state: grantState.optional(),
  live: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .meta({ description: 'true: only what could still be used to get in (live and watched).' }),
});
export type GrantsQuery = z.output<typeof grantsQuery>;

export const grant = z
  .object({
    id: idOf('grt', 'grant'),
    kind: z.enum(['stage', 'chat']),
    spaceId: idOf('spc', 'space'),
    userId: z.string(),
    role: z.string(),
    participantId: z.string().optional().meta({ description: 'Of a stage grant: the participant its token makes.' }),
    mint: z.enum(['ivs', 'key-pair']).optional().meta({ description: 'Of a stage grant: who made its token.' }),
    capabilities: z.array(z.string()),
    issuedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().meta({ description: 'Until when the token opens the door.' }),
    state: grantState,
  })
  .meta({ id: 'Grant' });
export type Grant = z.output<typeof grant>;

export const grantPage = pageOf(grant);
