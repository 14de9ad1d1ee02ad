import { z } from 'zod';
import { action, exampleAction } from '../acts/actions.schemas.ts';
import { callerSchema } from '../http/caller.schema.ts';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { dateTime, queryFlag, reason, text, userId } from '../http/text.ts';

/** The body for creating a ban. */
export const createBanBody = z
  .strictObject({
    userId,
    spaceId: text(1, 64).optional().meta({ description: 'Without it the ban covers the whole tenant.' }),
    reason: reason.optional().meta({ description: 'The banned user and moderators see it.' }),
    expiresAt: dateTime
      .optional()
      .meta({ description: 'End of the ban. Without it the ban holds until it is lifted.' }),
  })
  .meta({
    id: 'CreateBanRequest',
    examples: [
      {
        userId: 'user-42',
        spaceId: exampleId('spc'),
        reason: 'Shouting',
        expiresAt: '2026-03-08T19:30:00.000Z',
      },
    ],
  });
export type CreateBanBody = z.output<typeof createBanBody>;

/** The query of the list of bans. */
export const bansQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  active: queryFlag
    .optional()
    .meta({ description: 'true: only active bans. false: only bans that have expired or were lifted.' }),
});
export type BansQuery = z.output<typeof bansQuery>;

const banExample = {
  id: exampleId('ban'),
  userId: 'user-42',
  spaceId: exampleId('spc'),
  reason: 'Shouting',
  createdBy: { kind: 'user', id: 'user-7' },
  createdAt: '2026-03-01T19:30:00.000Z',
  expiresAt: '2026-03-08T19:30:00.000Z',
  state: 'active',
};

/** A ban, as answers show it. */
export const ban = z
  .object({
    id: idOf('ban', 'ban'),
    userId: z.string(),
    spaceId: z.string().nullable().meta({ description: 'null: the ban covers the whole tenant.' }),
    reason: z.string().optional(),
    createdBy: callerSchema,
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'null: the ban holds until it is lifted.' }),
    liftedAt: z.iso.datetime().optional(),
    liftedBy: callerSchema.optional(),
    outranked: z.literal(true).optional().meta({
      description:
        'The user came with a rank that is not below that of the moderator who banned them. The ban did not hold, and ended then.',
    }),
    state: z.enum(['active', 'expired', 'lifted']).meta({ id: 'BanState' }),
  })
  .meta({ id: 'Ban', examples: [banExample] });
export type Ban = z.output<typeof ban>;

/** A page of bans. */
export const banPage = pageOf(ban);

/** A new ban, and the action that carries it out. */
export const banAnswer = z
  .object({ ban, action })
  .meta({ id: 'BanResult', examples: [{ ban: banExample, action: exampleAction }] });
export type BanAnswer = z.output<typeof banAnswer>;
