import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { jsonObject, text } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';

/** The ARN patterns of the service models (`StageArn`, `RoomArn`). IVS exists only in the partition `aws`. */
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
  .meta({ description: 'Any data of the tenant, at most 16 KiB as JSON.' });

const capacity = z
  .int()
  .min(1)
  .max(1_000_000)
  .nullable()
  .meta({ description: 'Maximum number of different users with an unexpired token for the space; null: no limit.' });

const exampleStageArn = 'arn:aws:ivs:eu-west-1:123456789012:stage/AbCdEfGh1234';
const exampleRoomArn = 'arn:aws:ivschat:eu-west-1:123456789012:room/IjKlMnOp5678';

const stageToAdopt = z
  .strictObject({ arn: stageArn })
  .meta({ id: 'AdoptStageInput', description: 'An existing stage.', examples: [{ arn: exampleStageArn }] });
const roomToAdopt = z
  .strictObject({ arn: roomArn })
  .meta({ id: 'AdoptRoomInput', description: 'An existing chat room.', examples: [{ arn: exampleRoomArn }] });

const defaultRole = roleName.nullable().meta({
  description: 'Role of users who have none by membership or by a claim of their JWT; null: they are refused.',
});

/** The body for creating a space. */
export const createSpaceBody = z
  .strictObject({
    name: text(1, 200),
    stage: z
      .union([z.boolean(), stageToAdopt])
      .default(true)
      .meta({ description: 'true: create a stage. An ARN: adopt this stage. false: the space has no stage.' }),
    room: z
      .union([z.boolean(), roomToAdopt])
      .default(true)
      .meta({ description: 'true: create a chat room. An ARN: adopt this room. false: the space has no room.' }),
    defaultRole: defaultRole.default(null),
    capacity: capacity.default(null),
    metadata: metadata.default({}),
  })
  .refine((body) => body.stage !== false || body.room !== false, { error: 'must have a stage, a room or both' })
  .meta({
    id: 'CreateSpaceRequest',
    examples: [{ name: 'Friday show', defaultRole: 'viewer', capacity: 500, metadata: { season: 2 } }],
  });
export type CreateSpaceBody = z.output<typeof createSpaceBody>;

const status = z
  .enum(['open', 'closed'])
  .meta({ id: 'SpaceStatus', description: 'Nobody gets tokens for a closed space.' });

/** The fields of a space that can be changed. */
export const updateSpaceBody = z
  .strictObject({
    name: text(1, 200).optional(),
    status: status.optional(),
    defaultRole: defaultRole.optional(),
    capacity: capacity.optional(),
    metadata: metadata.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'must change something' })
  .meta({ id: 'UpdateSpaceRequest', examples: [{ status: 'closed' }] });
export type UpdateSpaceBody = z.output<typeof updateSpaceBody>;

const endpoints = { events: 'wss://eu-west-1.events.live-video.net', whip: 'https://eu-west-1.whip.live-video.net' };

const stageEndpoints = z
  .object({ events: z.string(), whip: z.string() })
  .meta({ id: 'StageEndpoints', description: 'URLs that clients of the stage connect to.', examples: [endpoints] });
const spaceStage = z
  .object({ arn: z.string(), endpoints: stageEndpoints })
  .meta({ id: 'SpaceStage', examples: [{ arn: exampleStageArn, endpoints }] });
const spaceRoom = z.object({ arn: z.string() }).meta({ id: 'SpaceRoom', examples: [{ arn: exampleRoomArn }] });

/** A space, as answers show it. */
export const space = z
  .object({
    id: idOf('spc', 'space'),
    name: z.string(),
    status,
    frozenAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'From this time on only moderators get tokens; null: the space is not frozen.' }),
    defaultRole: z
      .string()
      .nullable()
      .meta({ description: 'Role of users who have none by membership or by a claim; null: they are refused.' }),
    capacity: z.int().nullable().meta({ description: 'Maximum number of different users; null: no limit.' }),
    stage: spaceStage.nullable().meta({ description: 'The IVS stage; null: the space has none.' }),
    room: spaceRoom.nullable().meta({ description: 'The IVS Chat room; null: the space has none.' }),
    metadata: z.record(z.string(), z.unknown()).meta({ description: 'The data of the tenant.' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({
    id: 'Space',
    examples: [
      {
        id: exampleId('spc'),
        name: 'Friday show',
        status: 'open',
        frozenAt: null,
        defaultRole: 'viewer',
        capacity: 500,
        stage: { arn: exampleStageArn, endpoints },
        room: { arn: exampleRoomArn },
        metadata: { season: 2 },
        createdAt: '2026-03-01T19:00:00.000Z',
        updatedAt: '2026-03-01T19:00:00.000Z',
      },
    ],
  });
export type Space = z.output<typeof space>;

/** A page of spaces. */
export const spacePage = pageOf(space);
