import { z } from 'zod';
import { idOf } from '../http/ids.ts';
import { attributes, userId } from '../http/text.ts';
import { roleName } from '../roles/roles.schemas.ts';

const common = {
  userId: userId.optional().meta({ description: 'Whom the token is for. API keys only, and required of them.' }),
  role: roleName.optional().meta({ description: 'Overrides the user’s own role. API keys only.' }),
  attributes: attributes.optional().meta({
    description:
      'Added to the attributes of the role; an app user cannot change one that the role sets. Seen by every participant.',
  }),
};

export const tokenBody = z.strictObject(common).meta({ id: 'TokenRequest' }).default({});
export type TokenBody = z.output<typeof tokenBody>;

export const joinBody = z
  .strictObject({
    ...common,
    stage: z.boolean().default(true).meta({ description: 'false: no stage token.' }),
    chat: z.boolean().default(true).meta({ description: 'false: no chat token.' }),
  })
  .refine((body) => body.stage || body.chat, { error: 'must ask for the stage, the chat or both' })
  .meta({ id: 'JoinRequest' })
  .prefault({});
export type JoinBody = z.output<typeof joinBody>;

export const stageToken = z
  .object({
    grantId: idOf('grt', 'grant'),
    token: z.string().meta({ description: 'For the IVS broadcast SDK. Secret.' }),
    participantId: z.string(),
    capabilities: z.array(z.enum(['PUBLISH', 'SUBSCRIBE'])),
    attributes: z.record(z.string(), z.string()),
    expiresAt: z.iso.datetime().meta({ description: 'Until when one can join with the token.' }),
    mint: z.enum(['ivs', 'key-pair']),
  })
  .meta({ id: 'StageToken' });
export type StageToken = z.output<typeof stageToken>;

export const chatToken = z
  .object({
    grantId: idOf('grt', 'grant'),
    token: z.string().meta({ description: 'For the IVS Chat Messaging SDK; opens one connection. Secret.' }),
    capabilities: z.array(z.enum(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'])),
    attributes: z.record(z.string(), z.string()),
    connectBefore: z.iso.datetime(),
    sessionExpiresAt: z.iso.datetime().meta({ description: 'When the connection ends and needs a new token.' }),
    endpoint: z.string().meta({ description: 'Where the chat client connects.' }),
  })
  .meta({ id: 'ChatToken' });
export type ChatToken = z.output<typeof chatToken>;

export const joinAnswer = z
  .object({
    space: z.object({ id: idOf('spc', 'space'), name: z.string() }),
    userId: z.string(),
    role: z.string(),
    stage: stageToken.nullable().meta({ description: 'null if not asked for, or if space or role have no such part.' }),
    chat: chatToken.nullable(),
  })
  .meta({ id: 'Join' });
export type JoinAnswer = z.output<typeof joinAnswer>;
