import { Problem } from '../errors.ts';

/** Postgres SQLSTATEs, or their classes, that say the database is not in a state to work rather than that we erred. */
const unavailableStates = [/^08/, /^53/, /^57/, /^25006$/, /^40001$/, /^40P01$/, /^55P03$/, /^3D000$/, /^28/];

/** SQLSTATEs that say that the schema with the functions of this build is gone: undefined_function, invalid_schema_name. */
const missingFunctionStates = new Set(['42883', '3F000']);

/** Node's and pg's words for a connection that could not be had or was lost. */
const unavailableMessages =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|timeout exceeded|Query read timeout|Connection terminated|Connection ended|Client has encountered a connection error|Unable to start a transaction|Transaction already closed|Server has closed the connection|Can't reach database server/;

/** Prisma's codes for the same. */
const unavailablePrismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/** Turns what Prisma or pg throws into a `Problem`, where it says one; anything else is returned as it is. */
export function translateDatabaseErrors(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const state = sqlState(error);
  if (state === 'SD401') return new Problem('unauthenticated', 'The credential was revoked or has expired.');
  if (state !== undefined && missingFunctionStates.has(state)) {
    return new Problem(
      'unavailable',
      'The database does not have the functions of this build. The operator migrates it.',
      {
        retryAfterSeconds: 5,
        cause: error,
      },
    );
  }
  const text = describe(error);
  const code = field(error, 'code');
  const down =
    (state !== undefined && unavailableStates.some((pattern) => pattern.test(state))) ||
    (typeof code === 'string' && unavailablePrismaCodes.has(code)) ||
    unavailableMessages.test(text);
  if (!down) return error;
  return new Problem('unavailable', 'The database cannot be reached or is too slow. Try again shortly.', {
    retryAfterSeconds: 1,
    cause: error,
  });
}

/** Whether Postgres ended a transaction so that another could go on: a deadlock, or a conflict of what both had read. */
export function wasEndedForAnother(error: unknown): boolean {
  return ['40P01', '40001'].includes(sqlState(error) ?? '') || field(error, 'code') === 'P2034';
}

/** Whether an error says that a row with these values is already there. */
export function isUniqueViolation(error: unknown): boolean {
  return field(error, 'code') === 'P2002' || sqlState(error) === '23505';
}

/** Whether an error says that something referred to is missing, or still referred to. */
export function isForeignKeyViolation(error: unknown): boolean {
  return field(error, 'code') === 'P2003' || sqlState(error) === '23503';
}

/** The SQLSTATE, wherever pg, the driver adapter or Prisma has put it. */
function sqlState(error: unknown): string | undefined {
  const cause = field(field(field(error, 'meta'), 'driverAdapterError'), 'cause') ?? field(error, 'cause');
  for (const candidate of [field(cause, 'originalCode'), field(cause, 'code'), field(error, 'code')]) {
    if (typeof candidate === 'string' && /^[0-9A-Z]{5}$/.test(candidate) && !/^P\d{4}$/.test(candidate))
      return candidate;
  }
  return undefined;
}

function describe(error: unknown): string {
  const cause = field(field(field(error, 'meta'), 'driverAdapterError'), 'cause') ?? field(error, 'cause');
  return [error, cause]
    .flatMap((one) => [field(one, 'code'), field(one, 'message'), field(one, 'originalMessage')])
    .filter((part) => typeof part === 'string')
    .join(' ');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
