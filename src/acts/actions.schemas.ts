import { z } from 'zod';
import { filterId, idOf } from '../http/ids.ts';
import { pageOf, pageQuery } from '../http/paging.ts';

export const actionKind = z.enum([
  'participant.disconnect',
  'user.disconnect',
  'message.delete',
  'event.send',
  'ban',
  'grants.revoke',
  'space.freeze',
  'role.change',
]);
export type ActionKind = z.output<typeof actionKind>;

const target = z.object({
  operation: z.enum(['DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent']),
  target: z.string().meta({ description: 'Participant id, user id, message id or event name.' }),
  state: z.enum(['pending', 'done', 'not_connected', 'expired', 'stuck']).meta({
    description:
      'pending: to be called, or called again. done: IVS confirmed it. not_connected: IVS knows nobody like that. expired: no longer needed, as it is too late to matter or was undone. stuck: IVS refuses the service; tried on all the same.',
  }),
  attempts: z.int(),
  lastError: z.string().optional(),
  doneAt: z.iso.datetime().optional(),
});

export const action = z
  .object({
    id: idOf('act', 'action'),
    kind: actionKind,
    spaceId: z.string().nullable(),
    userId: z.string().optional(),
    reason: z.string().optional(),
    state: z.enum(['delivered', 'pending']).meta({
      description: 'pending while any target is pending or stuck; what is pending is retried until it holds.',
    }),
    targets: z.array(target),
    requestedBy: z.object({ kind: z.enum(['operator', 'apiKey', 'user']), id: z.string() }),
    createdAt: z.iso.datetime(),
    silencedAt: z.iso.datetime().optional().meta({ description: 'When the last connection it is about was gone.' }),
  })
  .meta({ id: 'Action' });
export type Action = z.output<typeof action>;

export const actionsQuery = z.strictObject({
  ...pageQuery,
  spaceId: filterId('spc', 'space').optional(),
  state: z
    .enum(['delivered', 'pending'])
    .optional()
    .meta({ description: 'Only acts that are carried out, or only those that are not yet.' }),
});
export type ActionsQuery = z.output<typeof actionsQuery>;

export const actionPage = pageOf(action);
