import { z } from 'zod';
import { text } from '../http/text.ts';

/** Largest number of days that a schema takes. The deployment's own number is the bound; it is known when a request comes. */
const longestDays = 3_650;

/** Longest reason that IVS takes with a disconnect (service model of ivs-realtime). So each is sent as a whole. */
const reasonLength = 128;
const mostReasons = 30;

/** What is kept, and for how many days at least. */
const kinds = {
  events: { least: 1, what: 'Events, and sessions of stages with their participants.' },
  // IVS allows tokens of 14 days, and what was done against a token counts as long as the token.
  grants: { least: 15, what: 'Grants that have expired; actions with their targets, and bans, that have ended.' },
  audit: { least: 30, what: 'Entries of the audit log, and API keys, spaces and erasures after their end.' },
};
type Kind = keyof typeof kinds;

function ofEachKind<Shape extends z.ZodType>(shape: (kind: (typeof kinds)[Kind]) => Shape): Record<Kind, Shape> {
  const entries = Object.entries(kinds).map(([kind, about]) => [kind, shape(about)]);
  return Object.fromEntries(entries) as Record<Kind, Shape>;
}

const chosenDays = ofEachKind(({ least, what }) =>
  z
    .int()
    .min(least)
    .max(longestDays)
    .nullable()
    .optional()
    .meta({ description: `${what} null: as long as the deployment keeps them, which is the most.` }),
);

const reasons = z
  .array(text(1, reasonLength))
  .max(mostReasons)
  .refine((given) => new Set(given).size === given.length, { error: 'must not name a reason twice' })
  .meta({
    description: 'Short reasons that the console offers to moderators. They may write others.',
    examples: [['Spam', 'Insults others']],
  });

/** Whether a user may have several live tokens of a kind in a space. */
const oneLiveToken = z.enum(['off', 'newest', 'first']).meta({
  id: 'OneLiveToken',
  description:
    'How many live tokens a user may have in a space: of stage tokens and of chat tokens, each. off: as many as they ask for. newest: one. A new token revokes the older ones, and disconnects who came in with them. first: one. A user with a live token gets no other (`conflict`) until it has ended or was revoked. A chat token is live until its session ends, and a stage token until it expires and its participant has left.',
});

/** The settings of a tenant that can be changed. What is absent stays as it is. */
export const updateSettingsBody = z
  .strictObject({
    retentionDays: z
      .strictObject(chosenDays)
      .meta({
        id: 'RetentionDaysInput',
        description: 'For how long things are kept.',
        examples: [{ events: 14 }],
      })
      .optional(),
    reasons: reasons.optional(),
    oneLiveToken: oneLiveToken.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .meta({
    id: 'UpdateSettingsRequest',
    examples: [{ retentionDays: { events: 14 }, reasons: ['Spam', 'Insults others'] }],
  });
export type UpdateSettingsBody = z.output<typeof updateSettingsBody>;

const keptDays = ofEachKind(({ what }) => z.int().meta({ description: what }));

/** The settings of a tenant, as answers show them. */
export const tenantSettings = z
  .object({
    retentionDays: z.object(keptDays).meta({
      id: 'RetentionDays',
      description: 'After how many days things are deleted.',
      examples: [{ events: 14, grants: 90, audit: 400 }],
    }),
    mostRetentionDays: z.object(keptDays).meta({
      id: 'MostRetentionDays',
      description: 'The largest numbers of days that the deployment allows.',
      examples: [{ events: 30, grants: 90, audit: 400 }],
    }),
    reasons,
    oneLiveToken,
    updatedAt: z.iso.datetime().nullable().meta({ description: 'null: the tenant has never changed its settings.' }),
  })
  .meta({
    id: 'Settings',
    examples: [
      {
        retentionDays: { events: 14, grants: 90, audit: 400 },
        mostRetentionDays: { events: 30, grants: 90, audit: 400 },
        reasons: ['Spam', 'Insults others'],
        oneLiveToken: 'off',
        updatedAt: '2026-03-01T19:00:00.000Z',
      },
    ],
  });
export type TenantSettings = z.output<typeof tenantSettings>;
