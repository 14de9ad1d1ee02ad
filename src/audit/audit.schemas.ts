import { z } from 'zod';
import { filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { dateTime, text, userId } from '../http/text.ts';

export const auditQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  action: text(1, 64).optional().meta({ description: 'Such as `space.create`.' }),
  since: dateTime.optional().meta({ description: 'Nothing older than this.' }),
});
export type AuditQuery = z.output<typeof auditQuery>;

export const auditEntry = z
  .object({
    id: idOf('aud', 'entry'),
    at: z.iso.datetime(),
    caller: z.object({ kind: z.enum(['operator', 'apiKey', 'user', 'system']), id: z.string() }),
    action: z.string(),
    spaceId: z.string().optional(),
    userId: z.string().optional(),
    subject: z.string().optional().meta({ description: 'Id of what was made, changed or removed.' }),
    details: z.record(z.string(), z.unknown()),
    requestId: z.string(),
    seq: z.int().nullable().meta({ description: 'Place in the hash chain; null for about a second after the act.' }),
    hash: z.string().nullable().meta({ description: 'SHA-256 of this entry and the hash before it, in hexadecimal.' }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryAnswer = z.output<typeof auditEntry>;

export const auditPage = pageOf(auditEntry);
