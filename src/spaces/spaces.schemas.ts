import { z } from 'zod';
import { idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { jsonObject, text } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';

/** ARNs as the service models have them, but for the partition: IVS knows only `aws`. */
const stageArn = z
  .string()
  .max(128)
  .regex(/^arn:aws:ivs:[a-z0-9-]+:\d{12}:stage\/[A-Za-z0-9-]+$/, 'must be the ARN of a stage');
const roomArn = z
  .string()
  .max(128)
  .regex(/^arn:aws:ivschat:[a-z0-9-]+:\d{12}:room\/[A-Za-z0-9-]+$/, 'must be the ARN of a room');

const metadata = jsonObject
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= 16_384, { error: 'must have at most 16 KiB as JSON' })
  .meta({ description: 'Anything of the tenant’s own, at most 16 KiB as JSON.' });

const capacity = z
  .int()
  .min(1)
  .max(1_000_000)
  .nullable()
  .meta({ description: 'Most distinct users who may hold something unexpired for the space; null for no limit.' });

const half = (arn: z.ZodType<string>, what: string) =>
  z
    .union([z.boolean(), z.strictObject({ arn })])
    .default(true)
    .meta({ description: `true: create a ${what}; { arn }: adopt an existing one; false: none.` });

export const createSpaceBody = z
  .strictObject({
    name: text(1, 200),
    stage: half(stageArn, 'stage'),
    room: half(roomArn, 'room'),
    defaultRole: roleName.nullable().default(null),
    capacity: capacity.default(null),
    metadata: metadata.default({}),
  })
  .refine((body) => body.stage !== false || body.room !== false, { error: 'must have a stage, a room or both' })
  .meta({ id: 'CreateSpace' });
export type CreateSpaceBody = z.output<typeof createSpaceBody>;

export const updateSpaceBody = z
  .strictObject({
    name: text(1, 200).optional(),
    status: z.enum(['open', 'closed']).optional(),
    defaultRole: roleName.nullable().optional(),
    capacity: capacity.optional(),
    metadata: metadata.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .meta({ id: 'UpdateSpace' });
export type UpdateSpaceBody = z.output<typeof updateSpaceBody>;

export const space = z
  .object({
    id: idOf('spc', 'space'),
    name: z.string(),
    status: z.enum(['open', 'closed']).meta({ description: 'A closed space gives no tokens.' }),
    frozenAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Since when only moderators are given tokens; null if the space is not frozen.' }),
    defaultRole: z
      .string()
      .nullable()
      .meta({ description: 'Role of users who have none by membership or claim; null refuses them.' }),
    capacity: z.int().nullable(),
    stage: z
      .object({ arn: z.string(), endpoints: z.object({ events: z.string(), whip: z.string() }) })
      .nullable()
      .meta({ description: 'The IVS stage.' }),
    room: z.object({ arn: z.string() }).nullable().meta({ description: 'The IVS Chat room.' }),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Space' });
export type Space = z.output<typeof space>;

export const spacePage = pageOf(space);
