import { z } from 'zod';

/** Why Postgres or IVS could not take this text, or undefined if they can. */
export function faultOfText(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain the character U+0000';
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

/** Schema of text with `min` to `max` UTF-16 code units. Postgres and IVS can take it. */
export function text(min: number, max: number): z.ZodString {
  return z
    .string()
    .min(min)
    .max(max)
    .superRefine((value, context) => {
      const fault = faultOfText(value);
      if (fault) context.addIssue({ code: 'custom', message: fault });
    });
}

/**
 * The tenant's own id of a user. IVS takes at most 128 characters (service model, `userId`). `.` and `..` are refused: in a
 * path every URL parser takes them for steps, so nobody could name such a user to ban them.
 */
export const userId = text(1, 128)
  .refine((value) => value !== '.' && value !== '..', { error: 'must not be . or .., which no URL can hold' })
  .meta({
    description: 'The tenant’s own id of the user. It is compared byte for byte. It is not `.` or `..`.',
    examples: ['user-42'],
  });

/**
 * Schema of a time. The result is in UTC with milliseconds, because Postgres cannot read a fraction of hundreds of digits.
 * The year 0 is refused, because Postgres does not have it.
 */
export const dateTime = z.iso
  .datetime()
  .refine((value) => !value.startsWith('0000'), { error: 'must be a time of the year 1 or later' })
  .transform((value) => new Date(value).toISOString());

/** Schema of a yes-or-no filter in a query. */
export const queryFlag = z.preprocess(
  (given) => (given === 'true' ? true : given === 'false' ? false : given),
  z.boolean({ error: 'must be true or false' }),
);

/** Schema of the reason of an act. Moderators and readers of the audit log see it. */
export const reason = text(1, 256);

/** Schema of the body of a write without parameters: an empty object, or no body. */
export const noBody = z
  .strictObject({})
  .meta({ id: 'EmptyRequest', examples: [{}] })
  .default({});

/** Schema of any JSON object. The body parser limits its depth. All text in it can be stored. */
export const jsonObject = z.record(text(1, 128), z.unknown()).superRefine((value, context) => {
  const fault = faultInside(value);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

function faultInside(value: unknown): string | undefined {
  if (typeof value === 'string') return faultOfText(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const fault = faultOfText(key) ?? faultInside(inner);
    if (fault) return fault;
  }
  return undefined;
}

/**
 * Maximum size of the attributes of a token. IVS says 1 KB (API reference, `CreateParticipantToken`). Stagedoor counts the
 * UTF-8 bytes of all keys and values, which is the strictest reading.
 */
export const attributesMaxBytes = 1024;

/** Size of attributes in bytes, counted as for `attributesMaxBytes`. */
export function attributesBytes(attributes: Record<string, string>): number {
  return Object.entries(attributes).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

/** Schema of the attributes of a token: text by name, at most 1 KB together. */
export const attributes = z
  .record(text(1, 128), text(0, 1024))
  .refine((value) => attributesBytes(value) <= attributesMaxBytes, {
    error: `must have at most ${attributesMaxBytes} bytes in all keys and values together`,
  });
