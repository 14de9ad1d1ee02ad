import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';
import { type LimitKind } from '../limiting/tenant-limits.ts';
import { type QuotaKind, quotasOf } from '../quotas.ts';

const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 lower-case letters, digits and inner dashes')
  .meta({ description: 'Short name. It is part of the tenant’s API keys and cannot be changed.', examples: ['acme'] });

/** The Regions that have both IVS Real-Time and IVS Chat (AWS General Reference, IVS endpoints). */
const region = z
  .enum(['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-south-1', 'ap-northeast-1', 'ap-northeast-2'])
  .meta({ id: 'Region', description: 'AWS Region of the tenant’s stages and rooms.' });

const awsExample = { roleArn: 'arn:aws:iam::123456789012:role/stagedoor', externalId: 'acme-7f3a' };

const awsInput = z
  .strictObject({
    roleArn: z.string().regex(/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'must be the ARN of an IAM role'),
    externalId: z
      .string()
      .min(2)
      .max(1224)
      .regex(/^[\w+=,.@:/-]*$/, 'must be letters, digits and +=,.@:/-'),
  })
  .meta({
    id: 'AwsAccountInput',
    description: 'An IAM role of the tenant’s own AWS account. Without it, the service uses its own AWS account.',
    examples: [awsExample],
  });

const aws = z
  .object({ roleArn: z.string(), externalId: z.string() })
  .meta({ id: 'AwsAccount', description: 'An IAM role of the tenant’s own AWS account.', examples: [awsExample] });

const ivsUserIds = z.enum(['plain', 'pseudonym']).meta({
  id: 'IvsUserIds',
  description:
    'The user id that IVS and all participants see. plain: the tenant’s own id. pseudonym: a stable pseudonym. Callers of this API always use the tenant’s own id.',
});

const status = z.enum(['active', 'suspended']).meta({
  id: 'TenantStatus',
  description: 'A suspended tenant gets no tokens. It can only ban, revoke, disconnect, lift and read.',
});

const most = z.int().min(0).max(10_000_000);

/** The number of things of each kind, with what each counts. */
const counts = {
  spaces: 'Spaces that are not deleted.',
  apiKeys: 'API keys that are not revoked and not expired.',
  signingKeys: 'Signing keys, the retiring ones too. IVS allows three in an AWS account and Region.',
  issuers: 'Issuers.',
  webhooks: 'Webhook endpoints.',
  consoleIssuers: 'Identity providers for the console.',
  consoleUsers: 'People of the console.',
  members: 'Members of all spaces together.',
  roles: 'Roles.',
  bans: 'Bans in force.',
  notes: 'Notes about users.',
} satisfies Record<QuotaKind, string>;

function quotasWith<Shape extends z.ZodType>(number: Shape): Record<QuotaKind, Shape> {
  const entries = Object.entries(counts).map(([kind, description]) => [kind, number.meta({ description })]);
  return Object.fromEntries(entries) as Record<QuotaKind, Shape>;
}

const quotaChanges = z.strictObject(quotasWith(most.nullable().optional())).meta({
  id: 'QuotasInput',
  description: 'How many things of each kind the tenant may have. null: the default of the service.',
  examples: [{ spaces: 5_000, signingKeys: null }],
});

const quotas = z.object(quotasWith(z.int())).meta({
  id: 'Quotas',
  description: 'How many things of each kind the tenant may have.',
  examples: [quotasOf({})],
});

/** What each limit limits. */
const limited = {
  requestsPerMinute: 'Requests in a minute, of all callers and replicas together, beside vends and acts of moderation.',
  vendsPerMinute: 'Requests for tokens in a minute, of all callers and replicas together.',
  requestsAtOnce: 'Requests that one replica works on at the same time, beside vends, acts and streams of events.',
} satisfies Record<LimitKind, string>;

function limitsWith<Shape extends z.ZodType>(number: Shape): Record<LimitKind, Shape> {
  const entries = Object.entries(limited).map(([kind, description]) => [kind, number.meta({ description })]);
  return Object.fromEntries(entries) as Record<LimitKind, Shape>;
}

const limitChanges = z.strictObject(limitsWith(z.int().min(1).max(100_000_000).nullable().optional())).meta({
  id: 'LimitsInput',
  description: 'What the tenant may ask for. null: the limit of the deployment.',
  examples: [{ vendsPerMinute: 600_000, requestsAtOnce: null }],
});

const limitsExample = { requestsPerMinute: 300_000, vendsPerMinute: 300_000, requestsAtOnce: 200 };

const limits = z.object(limitsWith(z.int())).meta({
  id: 'Limits',
  description: 'What the tenant may ask for. Acts of moderation are limited for each caller by itself.',
  examples: [limitsExample],
});

const weight = z
  .int()
  .min(1)
  .max(100)
  .meta({
    description: 'How many turns the tenant has where a tenant with 1 has one, when several wait for the same thing.',
    examples: [1],
  });

/** The body for creating a tenant. */
export const createTenantBody = z
  .strictObject({
    slug,
    name: text(1, 200),
    region: region.optional(),
    aws: awsInput.optional(),
  })
  .meta({ id: 'CreateTenantRequest', examples: [{ slug: 'acme', name: 'Acme Live', region: 'eu-west-1' }] });
export type CreateTenantBody = z.output<typeof createTenantBody>;

/** The fields of a tenant that can be changed. */
export const updateTenantBody = z
  .strictObject({
    name: text(1, 200).optional(),
    status: status.optional(),
    aws: awsInput.nullable().optional(),
    ivsUserIds: ivsUserIds.optional(),
    quotas: quotaChanges.optional(),
    limits: limitChanges.optional(),
    weight: weight.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .meta({ id: 'UpdateTenantRequest', examples: [{ status: 'suspended' }] });
export type UpdateTenantBody = z.output<typeof updateTenantBody>;

/** A tenant, as answers show it. */
export const tenant = z
  .object({
    id: idOf('ten', 'tenant'),
    slug: z.string(),
    name: z.string(),
    status,
    region: z.string().meta({ description: 'AWS Region of the tenant’s stages and rooms.' }),
    aws: aws.nullable().meta({ description: 'null: the service uses its own AWS account.' }),
    ivsUserIds,
    quotas,
    limits,
    weight,
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    endingAt: z.iso.datetime().nullable().meta({
      description:
        'When the operator asked for the end of the tenant; null: they have not. `GET /v1/tenants/{tenantId}/end` says how far it has come.',
    }),
    endedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When everything was deleted that is deleted; null: not yet.' }),
  })
  .meta({
    id: 'Tenant',
    examples: [
      {
        id: exampleId('ten'),
        slug: 'acme',
        name: 'Acme Live',
        status: 'active',
        region: 'eu-west-1',
        aws: null,
        ivsUserIds: 'plain',
        quotas: quotasOf({}),
        limits: limitsExample,
        weight: 1,
        createdAt: '2026-03-01T19:00:00.000Z',
        updatedAt: '2026-03-01T19:00:00.000Z',
        endingAt: null,
        endedAt: null,
      },
    ],
  });
export type Tenant = z.output<typeof tenant>;

/** A page of tenants. */
export const tenantPage = pageOf(tenant);
