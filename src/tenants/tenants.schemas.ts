import { z } from 'zod';
import { idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';

const slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 lower-case letters, digits and inner dashes')
  .meta({ description: 'Short name, part of the tenant’s API keys; cannot be changed.' });

/** The Regions with both IVS Real-Time and IVS Chat (AWS General Reference, IVS endpoints). */
const region = z
  .enum(['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-south-1', 'ap-northeast-1', 'ap-northeast-2'])
  .meta({ description: 'AWS Region of the tenant’s stages and rooms.' });

const aws = z
  .strictObject({
    roleArn: z.string().regex(/^arn:aws:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'must be the ARN of an IAM role'),
    externalId: z
      .string()
      .min(2)
      .max(1224)
      .regex(/^[\w+=,.@:/-]*$/, 'must be letters, digits and +=,.@:/-'),
  })
  .meta({ description: 'To act in the tenant’s own AWS account; absent, the service’s own account is used.' });

const ivsUserIds = z.enum(['plain', 'pseudonym']).meta({
  description:
    'What IVS and every participant see as user id: the tenant’s own id, or a stable keyed pseudonym. Callers of this API always use the tenant’s own id.',
});

export const createTenantBody = z
  .strictObject({
    slug,
    name: text(1, 200),
    region: region.optional(),
    aws: aws.optional(),
  })
  .meta({ id: 'CreateTenant' });
export type CreateTenantBody = z.output<typeof createTenantBody>;

export const updateTenantBody = z
  .strictObject({
    name: text(1, 200).optional(),
    status: z.enum(['active', 'suspended']).optional(),
    aws: aws.nullable().optional(),
    ivsUserIds: ivsUserIds.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .meta({ id: 'UpdateTenant' });
export type UpdateTenantBody = z.output<typeof updateTenantBody>;

export const tenant = z
  .object({
    id: idOf('ten', 'tenant'),
    slug: z.string(),
    name: z.string(),
    status: z.enum(['active', 'suspended']).meta({ description: 'A suspended tenant vends nothing.' }),
    region: z.string(),
    aws: z.object({ roleArn: z.string(), externalId: z.string() }).nullable(),
    ivsUserIds,
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Tenant' });
export type Tenant = z.output<typeof tenant>;

export const tenantPage = pageOf(tenant);
