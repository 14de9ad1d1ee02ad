import { z } from 'zod';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { dateTime, text, userId } from '../http/text.ts';

/** The query of the audit log. */
export const auditQuery = z.strictObject({
  ...pageQuery,
  userId: userId.optional(),
  spaceId: filterId('spc', 'space').optional(),
  action: text(1, 64)
    .optional()
    .meta({ description: 'Only entries with this action.', examples: ['space.create'] }),
  since: dateTime.optional().meta({ description: 'Only entries from this time or later.' }),
});
export type AuditQuery = z.output<typeof auditQuery>;

/** An entry of the audit log, as answers show it. */
export const auditEntry = z
  .object({
    id: idOf('aud', 'entry'),
    at: z.iso.datetime(),
    caller: z
      .object({
        kind: z.enum(['operator', 'apiKey', 'consoleUser', 'user', 'system']),
        id: z.string().meta({ description: 'Id of the API key, user id of the user, or a name.' }),
      })
      .meta({ id: 'AuditCaller', examples: [{ kind: 'apiKey', id: exampleId('key') }] }),
    action: z.string().meta({ description: 'The kind of thing and the verb.', examples: ['space.create'] }),
    spaceId: z.string().optional(),
    userId: z.string().optional(),
    subject: z.string().optional().meta({ description: 'Id of the thing that was created, changed or removed.' }),
    details: z.record(z.string(), z.unknown()).meta({ description: 'More facts. The keys depend on `action`.' }),
    requestId: z.string().meta({ description: '`x-request-id` of the request, or `background`.' }),
    seq: z
      .int()
      .nullable()
      .meta({ description: 'Place in the hash chain. It is null for about a second after the change.' }),
    hash: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of this entry and of the hash before it, in hexadecimal.' }),
  })
  .meta({
    id: 'AuditEntry',
    examples: [
      {
        id: exampleId('aud'),
        at: '2026-03-01T19:00:00.000Z',
        caller: { kind: 'apiKey', id: exampleId('key') },
        action: 'space.update',
        spaceId: exampleId('spc'),
        subject: exampleId('spc'),
        details: { status: 'closed' },
        requestId: '0b9a7c52-9a4e-4a53-9d0c-0d1d6f7f4c3e',
        seq: 1042,
        hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      },
    ],
  });
export type AuditEntryAnswer = z.output<typeof auditEntry>;

/** A page of the audit log. */
export const auditPage = pageOf(auditEntry);
