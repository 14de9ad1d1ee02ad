import { z } from 'zod';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { queryFlag, userId } from '../http/text.ts';

/** State of a grant, as answers show it. */
export const grantState = z.enum(['live', 'watched', 'revoked', 'expired']).meta({
  id: 'GrantState',
  description:
    'live: the token can be used. watched: a moderator acted against the grant, but IVS cannot revoke an unused token; the service watches the stage until the token has expired. revoked: IVS has confirmed that the token cannot be used. expired: the token is too old to be used.',
});

/** The query of the ledger. */
export const grantsQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  ivsUserId: userId.optional().meta({
    description:
      'Only grants whose tokens have this user id: the one that Amazon IVS and everybody in the space see. It differs from `userId` if the tenant has set `ivsUserIds` to `pseudonym`. Name the `spaceId`, too.',
  }),
  state: grantState.optional().meta({
    description:
      'Only grants in this state. Without `userId`, a list by state may begin with the grants that expire last.',
  }),
  live: queryFlag.optional().meta({
    description:
      'true: only grants whose token could be used (live and watched). Without `userId`, the list begins with the grants that expire last.',
  }),
});
export type GrantsQuery = z.output<typeof grantsQuery>;

/** The maker of a stage token. */
export const mint = z.enum(['ivs', 'key-pair']).meta({
  id: 'Mint',
  description: 'Who made the stage token. ivs: Amazon IVS. key-pair: Stagedoor, with a signing key of the tenant.',
});

/** A grant, as answers show it. */
export const grant = z
  .object({
    id: idOf('grt', 'grant'),
    kind: z.enum(['stage', 'chat']).meta({ id: 'GrantKind', description: 'The kind of the token.' }),
    spaceId: idOf('spc', 'space'),
    userId: z.string(),
    role: z.string(),
    participantId: z.string().optional().meta({ description: 'Stage grants only: id of the participant at IVS.' }),
    mint: mint.optional().meta({ description: 'Stage grants only: who made the token.' }),
    capabilities: z.array(z.string()).meta({ description: 'Capabilities of the token, in the words of IVS.' }),
    issuedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().meta({ description: 'After this time nobody can connect with the token.' }),
    state: grantState,
  })
  .meta({
    id: 'Grant',
    examples: [
      {
        id: exampleId('grt'),
        kind: 'stage',
        spaceId: exampleId('spc'),
        userId: 'user-42',
        role: 'speaker',
        participantId: 'AbCdEfGh1234',
        mint: 'ivs',
        capabilities: ['PUBLISH', 'SUBSCRIBE'],
        issuedAt: '2026-03-01T19:00:00.000Z',
        expiresAt: '2026-03-01T19:10:00.000Z',
        state: 'live',
      },
    ],
  });
export type Grant = z.output<typeof grant>;

/** A page of grants. */
export const grantPage = pageOf(grant);
