import { z } from 'zod';
import { action } from '../acts/actions.schemas.ts';
import { filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { dateTime, reason, text, userId } from '../http/text.ts';

export const createBanBody = z
  .strictObject({
    userId,
    spaceId: text(1, 64).optional().meta({ description: 'Absent: the ban covers the whole tenant.' }),
    reason: reason.optional().meta({ description: 'The banned user is told it, and moderators see it.' }),
    expiresAt: dateTime.optional().meta({ description: 'Absent: until it is lifted.' }),
  })
  .meta({ id: 'CreateBan' });
export type CreateBanBody = z.output<typeof createBanBody>;

export const bansQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  active: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .meta({ description: 'true: only bans in force; false: only those expired or lifted.' }),
});
export type BansQuery = z.output<typeof bansQuery>;

const caller = z.object({ kind: z.enum(['operator', 'apiKey', 'user']), id: z.string() });

export const ban = z
  .object({
    id: idOf('ban', 'ban'),
    userId: z.string(),
    spaceId: z.string().nullable(),
    reason: z.string().optional(),
    createdBy: caller,
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    liftedAt: z.iso.datetime().optional(),
    liftedBy: caller.optional(),
    state: z.enum(['active', 'expired', 'lifted']),
  })
  .meta({ id: 'Ban' });
export type Ban = z.output<typeof ban>;

export const banPage = pageOf(ban);

export const banAnswer = z.object({ ban, action }).meta({ id: 'NewBan' });
export type BanAnswer = z.output<typeof banAnswer>;
