import { z } from 'zod';
import { attributes, dateTime, reason, text, userId } from '../http/text.ts';

const reasonField = reason.optional().meta({ description: 'Moderators and readers of the audit log see it.' });

/** The body of acts that need no more than a reason. */
export const reasonBody = z
  .strictObject({ reason: reasonField })
  .meta({ id: 'ReasonRequest', examples: [{ reason: 'Shouting' }] })
  .prefault({});
export type ReasonBody = z.output<typeof reasonBody>;

/** The body of the deletion of a message. */
export const deleteMessageBody = z
  .strictObject({
    reason: reasonField,
    userId: userId.optional().meta({
      description:
        'Who wrote the message, as far as the caller knows: Amazon IVS does not tell. The action and the audit log name them.',
    }),
  })
  .meta({ id: 'DeleteMessageRequest', examples: [{ userId: 'user-42', reason: 'Spam' }] })
  .prefault({});
export type DeleteMessageBody = z.output<typeof deleteMessageBody>;

/** The service sends events whose names begin with this, and clients believe them. Nobody else sends one. */
const ownPrefix = 'stagedoor:';
const isOurs = (name: string) => name.toLowerCase().startsWith(ownPrefix);

/** An event for the chat room. IVS uses names with `aws:` itself (IVS Chat API reference, `SendEvent`). */
export const eventBody = z
  .strictObject({
    name: text(1, 100)
      .refine((name) => !name.startsWith('aws:'), { error: 'must not begin with aws:, which IVS uses itself' })
      .refine((name) => !isOurs(name), { error: 'must not begin with stagedoor:, which the service uses itself' })
      .meta({ description: 'Name of the event. It must not begin with `aws:` or `stagedoor:`.' }),
    attributes: attributes
      .refine((value) => !Object.keys(value).some(isOurs), {
        error: 'must not have a name that begins with stagedoor:, which the service uses itself',
      })
      .default({})
      .meta({ description: 'Data of the event, at most 1 KB together. No name begins with `stagedoor:`.' }),
  })
  .meta({ id: 'SendEventRequest', examples: [{ name: 'poll:opened', attributes: { poll: '7' } }] });
export type EventBody = z.output<typeof eventBody>;

/** Which grants of a user are revoked. */
export const revokeBody = z
  .strictObject({
    issuedBefore: dateTime
      .optional()
      .meta({ description: 'Revoke only grants from before this time. Without it all grants are revoked.' }),
    reason: reasonField,
  })
  .meta({
    id: 'RevokeUserGrantsRequest',
    examples: [{ issuedBefore: '2026-03-01T19:00:00.000Z', reason: 'Stolen phone' }],
  })
  .prefault({});
export type RevokeBody = z.output<typeof revokeBody>;

/** Schema of a participant id: `ParticipantId` of the service model, and `_`, which a signed token may have in its `jti`. */
export const participantId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be a participant id')
  .meta({ description: 'Id of the participant at IVS.', examples: ['AbCdEfGh1234'] });

/** Schema of a message id (IVS Chat service model, `MessageID`). */
export const messageId = z
  .string()
  .regex(/^[A-Za-z0-9]{12}$/, 'must be the id of a message: 12 letters and digits')
  .meta({ description: 'Id of the message at IVS Chat.', examples: ['AbCdEfGh1234'] });
