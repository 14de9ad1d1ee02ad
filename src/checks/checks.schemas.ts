import { z } from 'zod';
import { outcomes } from '../check.ts';
import { filterId } from '../http/ids.ts';

const example = {
  check: 'JOURNAL_URL',
  outcome: 'warning',
  found: 'There is no journal: a restore from a backup lets in whoever was banned since.',
  remedy: 'Set it (docs/operations/restore.md).',
} as const;

const ivsExample = {
  check: 'ivs:ImportPublicKey',
  outcome: 'ok',
  found: 'IVS lets the service do it.',
  remedy: null,
} as const;

const check = z
  .object({
    check: z.string().meta({ description: 'What was looked at: a setting, an action at AWS, or some words.' }),
    outcome: z.enum(outcomes).meta({
      id: 'CheckOutcome',
      description: '`failed`: something does not work, or is not safe. `unknown`: it could not be looked at.',
    }),
    found: z.string().meta({ description: 'What was found. It holds no secret.' }),
    remedy: z.string().nullable().meta({ description: 'What to do about it; null: nothing.' }),
  })
  .meta({ id: 'Check', examples: [example] });

/** The answer with the checks of a replica. */
export const checks = z.object({ data: z.array(check) }).meta({
  id: 'Checks',
  examples: [{ data: [example] }],
});
export type Checks = z.output<typeof checks>;

/** The query of the checks of permissions. */
export const permissionsQuery = z.strictObject({
  tenantId: filterId('ten', 'tenant').optional().meta({
    description: 'The tenant whose AWS account and Region are meant. Without it: the account of the service.',
  }),
});
export type PermissionsQuery = z.output<typeof permissionsQuery>;

/** The answer with the checks of permissions. */
export const permissions = z
  .object({
    account: z.string().nullable().meta({ description: 'Number of the AWS account; null: AWS did not tell.' }),
    region: z.string(),
    data: z.array(check),
  })
  .meta({
    id: 'IvsPermissions',
    examples: [{ account: '123456789012', region: 'us-east-1', data: [ivsExample] }],
  });
export type Permissions = z.output<typeof permissions>;
