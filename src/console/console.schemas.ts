import { z } from 'zod';
import { callerSchema } from '../http/caller.schema.ts';
import { scopes } from '../http/access.ts';
import { exampleId, idOf } from '../http/ids.ts';

/** The body of a sign-in. */
export const signInBody = z
  .strictObject({
    credential: z
      .string()
      .min(1)
      .max(1_024)
      .meta({ description: 'An API key of a tenant, or the operator’s token. No answer and no log contains it.' }),
  })
  .meta({ id: 'SignInRequest', examples: [{ credential: 'sk_acme_…' }] });
export type SignInBody = z.output<typeof signInBody>;

const consoleTenant = z
  .object({ id: idOf('ten', 'tenant'), slug: z.string(), name: z.string() })
  .meta({ id: 'ConsoleTenant', examples: [{ id: exampleId('ten'), slug: 'acme', name: 'Acme' }] });

/** Who is signed in to the console. */
export const consoleSession = z
  .object({
    id: idOf('cse', 'session'),
    caller: callerSchema,
    role: z.enum(['operator', 'admin', 'moderator', 'viewer']).meta({
      description:
        'What the session is for: `admin` everything in the tenant, `moderator` acts on users, `viewer` neither. Of a person it is the role that the tenant gives them, and of an API key it follows from its scopes. The scopes decide.',
    }),
    name: z.string().nullable().meta({
      description:
        'Name of the API key, or of the person as their identity provider gives it; null: there is none, as for the operator.',
    }),
    tenant: consoleTenant.nullable().meta({ description: 'Null for the operator.' }),
    scopes: z.array(z.enum(scopes)).meta({
      description:
        'What the caller may do: the scopes of the API key, or of the role of the person; none for the operator.',
    }),
    spaceIds: z
      .array(z.string())
      .nullable()
      .meta({ description: 'The spaces that the API key is bound to; null: it is bound to none.' }),
    csrfToken: z.string().meta({ description: 'Each write of the session sends it as `x-stagedoor-csrf`.' }),
    startedAt: z.iso.datetime(),
    endsAt: z.iso
      .datetime()
      .meta({ description: 'The session ends then at the latest. It ends after half an hour without use.' }),
  })
  .meta({
    id: 'ConsoleSession',
    examples: [
      {
        id: exampleId('cse'),
        caller: { kind: 'apiKey', id: exampleId('key') },
        role: 'moderator',
        name: 'Night shift',
        tenant: { id: exampleId('ten'), slug: 'acme', name: 'Acme' },
        scopes: ['spaces:read', 'moderation:write', 'events:read'],
        spaceIds: null,
        csrfToken: 'Zm9y…',
        startedAt: '2026-03-01T19:00:00.000Z',
        endsAt: '2026-03-02T07:00:00.000Z',
      },
    ],
  });
export type ShownSession = z.output<typeof consoleSession>;
