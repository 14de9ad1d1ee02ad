import { z } from 'zod';
import { attributes, dateTime, reason, text } from '../http/text.ts';

export const reasonBody = z.strictObject({ reason: reason.optional() }).meta({ id: 'ReasonRequest' }).prefault({});
export type ReasonBody = z.output<typeof reasonBody>;

export const eventBody = z
  .strictObject({
    name: text(1, 100).refine((name) => !name.startsWith('aws:'), {
      error: 'must not begin with aws:, which is IVS’s own',
    }),
    attributes: attributes.default({}),
  })
  .meta({ id: 'EventRequest' });
export type EventBody = z.output<typeof eventBody>;

export const revokeBody = z
  .strictObject({
    issuedBefore: dateTime.optional().meta({ description: 'Only what was given before this time; absent, all.' }),
    reason: reason.optional(),
  })
  .meta({ id: 'RevokeRequest' })
  .prefault({});
export type RevokeBody = z.output<typeof revokeBody>;

/** A participant id as IVS takes it (service model, `ParticipantId`, and `_` as a self-signed `jti` may have it). */
export const participantId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be a participant id')
  .meta({ description: 'Id of the participant, as IVS knows it.' });

/** A message id as IVS Chat gives it (service model, `MessageID`). */
export const messageId = z
  .string()
  .regex(/^[A-Za-z0-9]{12}$/, 'must be the id of a message: 12 letters and digits')
  .meta({ description: 'Id of the message, as IVS Chat gave it.' });
