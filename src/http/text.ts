import { z } from 'zod';

/** The problem with a piece of text that neither Postgres nor IVS could carry, or undefined. */
function unusable(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain the character U+0000';
  return value.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

/** Text of `min` to `max` UTF-16 code units that every system behind can store and send. */
export function text(min: number, max: number): z.ZodString {
  return z
    .string()
    .min(min)
    .max(max)
    .superRefine((value, context) => {
      const fault = unusable(value);
      if (fault) context.addIssue({ code: 'custom', message: fault });
    });
}

/** The tenant's own id of a user. IVS takes at most 128 characters (service model, `userId`). */
export const userId = text(1, 128).meta({ description: "The tenant's own id of the user, byte for byte." });

/** A time, in UTC, to the millisecond. Postgres knows no year 0, and reads no fraction of hundreds of digits. */
export const dateTime = z.iso
  .datetime()
  .refine((value) => !value.startsWith('0000'), { error: 'must be a time of the year 1 or later' })
  .transform((value) => new Date(value).toISOString());

/** Why something was done, for those who read the audit log. */
export const reason = text(1, 256);

/** The body of a write that takes none: an empty object, or nothing. */
export const noBody = z.strictObject({}).default({});

/** Any JSON, as deep as the body parser lets through, of text that can be stored. */
export const jsonObject = z.record(text(1, 128), z.unknown()).superRefine((value, context) => {
  const fault = unusableInside(value);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

function unusableInside(value: unknown): string | undefined {
  if (typeof value === 'string') return unusable(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const fault = unusable(key) ?? unusableInside(inner);
    if (fault) return fault;
  }
  return undefined;
}

/** IVS allows 1 KB of attributes on a token; counted as UTF-8 bytes of all keys and values, the strictest reading. */
export const attributesMaxBytes = 1024;

export function attributesBytes(attributes: Record<string, string>): number {
  return Object.entries(attributes).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
}

/** Attributes of a token: string to string, at most 1 KB in all. */
export const attributes = z
  .record(text(1, 128), text(0, 1024))
  .refine((value) => attributesBytes(value) <= attributesMaxBytes, {
    error: `must have at most ${attributesMaxBytes} bytes in all keys and values together`,
  });
