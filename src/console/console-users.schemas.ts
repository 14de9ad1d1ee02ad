import { z } from 'zod';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';
import { consoleRole } from './console-roles.ts';

const role = consoleRole.meta({
  id: 'ConsoleRole',
  description:
    '`viewer` reads spaces, who is there, bans and events. `moderator` acts on users as well, and reads the audit log. `admin` may do everything in the tenant.',
});
const name = text(1, 200).meta({
  description: 'Name of the person, for the people who read the list.',
});

/** The body for giving a person a role of the console. */
export const putConsoleUserBody = z
  .strictObject({
    issuerId: filterId('cis', 'identity provider for the console').meta({
      description: 'The identity provider with which the person signs in. The same id from another one is refused.',
    }),
    role,
    name: name.optional(),
  })
  .meta({
    id: 'PutConsoleUserRequest',
    examples: [{ issuerId: exampleId('cis'), role: 'moderator', name: 'Ann Lee' }],
  });
export type PutConsoleUserBody = z.output<typeof putConsoleUserBody>;

/** A person of the console, as answers show them. */
export const consoleUser = z
  .object({
    userId: z.string().meta({
      description: 'The id that the identity provider gives the person.',
    }),
    issuerId: idOf('cis', 'identity provider for the console'),
    role,
    name: name.nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({
    id: 'ConsoleUser',
    examples: [
      {
        userId: 'auth0|5f7c8ec7c33c6c004bbafe82',
        issuerId: exampleId('cis'),
        role: 'moderator',
        name: 'Ann Lee',
        createdAt: '2026-03-01T19:00:00.000Z',
        updatedAt: '2026-03-01T19:30:00.000Z',
      },
    ],
  });
export type ConsoleUser = z.output<typeof consoleUser>;

/** A page of people of the console. */
export const consoleUserPage = pageOf(consoleUser);
