import { z } from 'zod';
import { deliveryStates } from '../delivery/deliveries.ts';
import { callerSchema } from '../http/caller.schema.ts';
import { exampleId, filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';
import { userId } from '../http/text.ts';

/** What a moderator did. */
export const actionKind = z
  .enum([
    'participant.disconnect',
    'user.disconnect',
    'message.delete',
    'event.send',
    'ban',
    'grants.revoke',
    'space.freeze',
    'role.change',
    'user.erase',
    'tenant.end',
  ])
  .meta({ id: 'ActionKind', description: 'What the moderator did.' });
export type ActionKind = z.output<typeof actionKind>;

const deliveryState = z.enum(deliveryStates).meta({
  id: 'DeliveryState',
  description:
    'pending: the service will call IVS, or call it again. done: IVS has confirmed the call. not_connected: IVS has no such connection. expired: the call is no longer needed, because it is too late to matter or the action was undone. stuck: IVS refuses the call; the service repeats it slowly.',
});

const countsExample = { pending: 0, done: 1, not_connected: 0, expired: 0, stuck: 0 };

const deliveryExample = {
  operation: 'DisconnectParticipant',
  target: 'AbCdEfGh1234',
  state: 'done',
  attempts: 1,
  doneAt: '2026-03-01T19:30:00.412Z',
};

/** One call to IVS that an action needs, as answers show it. */
export const target = z
  .object({
    operation: z
      .enum(['DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent'])
      .meta({ id: 'DeliveryOperation', description: 'The operation of IVS that the service calls.' }),
    target: z.string().meta({ description: 'Participant id, user id, message id or name of the event.' }),
    state: deliveryState,
    attempts: z.int().meta({ description: 'Number of calls so far.' }),
    lastError: z.string().optional().meta({ description: 'Why the last call failed.' }),
    doneAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'Delivery', description: 'One call to IVS that the action needs.', examples: [deliveryExample] });

export type Target = z.output<typeof target>;

const targetCounts = z
  .object({ pending: z.int(), done: z.int(), not_connected: z.int(), expired: z.int(), stuck: z.int() })
  .meta({
    id: 'DeliveryCounts',
    description:
      'Number of deliveries in each state. The service counts to 1,000 in each state, and in a list of actions to 100; there may be more.',
    examples: [countsExample],
  });

const actionState = z.enum(['delivered', 'pending']).meta({
  id: 'ActionState',
  description: 'pending: a delivery is pending or stuck, and the service repeats it. delivered: all are settled.',
});

/** The action in examples. Other schemas embed it. */
export const exampleAction = {
  id: exampleId('act'),
  kind: 'ban',
  spaceId: exampleId('spc'),
  userId: 'user-42',
  reason: 'Shouting',
  state: 'delivered',
  targets: [deliveryExample],
  targetCounts: countsExample,
  requestedBy: { kind: 'user', id: 'user-7' },
  createdAt: '2026-03-01T19:30:00.000Z',
  silencedAt: '2026-03-01T19:30:00.412Z',
};

/** Who did it: a caller, or the service itself. */
const actor = z
  .object({
    kind: z.enum([...callerSchema.shape.kind.options, 'system']).meta({
      description: 'system: the service itself, because a setting of the tenant says so.',
    }),
    id: z.string().meta({ description: 'As of a caller. Of the service: the setting, such as `one-live-token`.' }),
  })
  .meta({ id: 'Actor', examples: [{ kind: 'user', id: 'user-7' }] });

/** The record of what a moderator did, as answers show it. */
export const action = z
  .object({
    id: idOf('act', 'action'),
    kind: actionKind,
    spaceId: z.string().nullable().meta({ description: 'null: the action concerns the whole tenant.' }),
    userId: z.string().optional(),
    reason: z.string().optional(),
    state: actionState,
    targets: z.array(target).meta({
      description:
        'Deliveries: the calls to IVS that the action needs, at most 100, and in a list of actions at most 10. If there are more, those that are pending or stuck take precedence. `GET /v1/actions/{actionId}/targets` lists all.',
    }),
    targetCounts: targetCounts.optional().meta({
      description:
        'Number of deliveries in each state. Absent if the service has recorded the action and could not read it in time.',
    }),
    requestedBy: actor.meta({ description: 'Who did it.' }),
    createdAt: z.iso.datetime(),
    silencedAt: z.iso
      .datetime()
      .optional()
      .meta({ description: 'Time at which the last connection that the action concerns was gone.' }),
  })
  .meta({ id: 'Action', examples: [exampleAction] });
export type Action = z.output<typeof action>;

/** The query of the list of actions. */
export const actionsQuery = z
  .strictObject({
    ...pageQuery,
    spaceId: filterId('spc', 'space').optional(),
    userId: userId.optional().meta({ description: 'Only actions against this user.' }),
    kind: actionKind.optional().meta({ description: 'Only actions of this kind.' }),
    state: actionState.optional().meta({
      description: 'Only actions in this state. It cannot be combined with `userId` or `kind`.',
    }),
  })
  .refine(({ state, userId: user, kind }) => state === undefined || (user === undefined && kind === undefined), {
    path: ['state'],
    error: 'cannot be combined with userId or kind: ask for the state alone, or leave it out',
  });
export type ActionsQuery = z.output<typeof actionsQuery>;

/** A page of actions. */
export const actionPage = pageOf(action);

/** The query of the list of the deliveries of an action. */
export const targetsQuery = z.strictObject({
  ...pageQuery,
  state: deliveryState.optional().meta({ description: 'Only deliveries in this state.' }),
});
export type TargetsQuery = z.output<typeof targetsQuery>;

/** A page of deliveries. */
export const targetPage = pageOf(target);
