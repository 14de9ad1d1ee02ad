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
  callerId: text(1, 256)
    .optional()
    .meta({ description: 'Only what this caller did: an API key, a person or a user.', examples: [exampleId('key')] }),
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

/** Largest number of entries that one check of the chain reads. It takes some tens of milliseconds. */
export const entriesChecked = 1_000;

/** The query of the check of the hash chain. */
export const auditChainQuery = z.strictObject({
  to: z
    .preprocess(
      // Takes digits only: Number() would read "0x10", "1e1" and blanks as numbers too.
      (given) => (typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given),
      z.int().min(1),
    )
    .optional()
    .meta({ description: 'The place of the last entry to check. Without it: the newest.', examples: [1042] }),
});
export type AuditChainQuery = z.output<typeof auditChainQuery>;

const chainExample = {
  head: {
    id: exampleId('aud'),
    seq: 1042,
    at: '2026-03-01T19:00:00.000Z',
    hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
  waiting: 1,
  checked: { from: 43, to: 1042, at: '2026-03-01T19:00:01.200Z', fault: null },
};

const chainHead = z
  .object({
    id: idOf('aud', 'entry'),
    seq: z.int(),
    at: z.iso.datetime(),
    hash: z.string().meta({
      description: 'Keep it elsewhere: the chain cannot show that its newest entries were removed, and this hash can.',
    }),
  })
  .meta({
    id: 'AuditChainHead',
    description: 'The newest entry of the chain; null: the chain is empty.',
    examples: [chainExample.head],
  });

const chainFault = z
  .object({
    seq: z.int(),
    id: z.string().nullable().meta({ description: 'null: the entry is missing.' }),
    problem: z.enum(['changed', 'missing']),
  })
  .meta({
    id: 'AuditChainFault',
    description: 'The first entry that was changed or is missing; null: these entries hold.',
    examples: [{ seq: 77, id: null, problem: 'missing' }],
  });

const chainCheck = z.object({ from: z.int(), to: z.int(), at: z.iso.datetime(), fault: chainFault.nullable() }).meta({
  id: 'AuditChainCheck',
  description: 'The entries whose hashes were computed for this answer; null: the chain is empty.',
  examples: [chainExample.checked],
});

/** The state of the hash chain, as answers show it. */
export const auditChain = z
  .object({
    head: chainHead.nullable(),
    waiting: z.int().meta({
      description: 'Number of entries that are not in the chain yet, counted to 1,000. They are for about a second.',
    }),
    checked: chainCheck.nullable(),
  })
  .meta({ id: 'AuditChain', examples: [chainExample] });
export type AuditChain = z.output<typeof auditChain>;
/** A signed place of the hash chain, as answers show it. */
export const auditCheckpoint = z
  .object({
    kind: z
      .enum(['head', 'cut'])
      .meta({ description: 'head: the chain had come to this place. cut: the entries to this place are deleted.' }),
    seq: z.int().meta({ description: 'Place in the hash chain.' }),
    hash: z.string().meta({ description: 'Hash of the entry at this place, in hexadecimal.' }),
    at: z.iso.datetime().meta({ description: 'When it was signed.' }),
    key: z.string().meta({ description: 'Public key (Ed25519) of the deployment, in base64url.' }),
    signature: z.string().meta({
      description:
        'Signature, in base64url, of a JSON array without blanks: `["stagedoor audit checkpoint", tenant id, kind, seq as text, hash, at]`.',
    }),
  })
  .meta({
    id: 'AuditCheckpoint',
    examples: [
      {
        kind: 'head',
        seq: 1042,
        hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        at: '2026-03-01T20:00:00.000Z',
        key: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
        signature: 'hgyY0il-MGCjP0JzlnkOa8Jb1wLw4ZQq7oWPCl8pAXq0rrl6ICNNXWvLUmlUpE7RBrxSvNuXvq5dW1Rpj0nZCw',
      },
    ],
  });
export type CheckpointAnswer = z.output<typeof auditCheckpoint>;

/** A page of checkpoints. */
export const auditCheckpointPage = pageOf(auditCheckpoint);
