import pg from 'pg';
import { CredentialRefused, Problem } from '../errors.ts';

/** SQLSTATEs of Postgres, or classes of them, that mean that the database cannot work now. A statement is not at fault. */
const unavailableStates = [
  /^08/,
  /^53/,
  /^57/,
  /^25006$/,
  /^25P0[34]$/,
  /^40001$/,
  /^40P01$/,
  /^55P03$/,
  /^3D000$/,
  /^28/,
];

/**
 * SQLSTATEs that mean, with the message, that the functions of this build are missing or not for the serving role: invalid
 * schema name, undefined function, insufficient privilege. Statements name no other schema.
 */
const lackStates: Record<string, RegExp> = {
  '3F000': /./,
  '42883': /function stagedoor_\w+\./,
  '42501': /permission denied for (schema stagedoor_|function )/,
};

/** Messages of Node, pg and Prisma for a connection that was not made in time or was lost. */
const unavailableMessages =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|timeout exceeded|Query read timeout|Connection terminated|Connection ended|Client has encountered a connection error|Unable to start a transaction|Transaction already closed|Server has closed the connection|Can't reach database server/;

/** Codes of Prisma for the same. */
const unavailablePrismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/**
 * Translates an error of Prisma or pg: into the Problem `unauthenticated` if the credential does not hold any more, into
 * `forbidden` if the tenant is suspended, and into `unavailable` if the database cannot work now. Every other error is
 * returned unchanged.
 */
export function translateDatabaseErrors(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const state = sqlState(error);
  if (state === 'SD401') return new CredentialRefused();
  if (state === 'SD403') {
    return new Problem(
      'forbidden',
      'The tenant is suspended. It can ban, revoke, disconnect, lift and read, until the operator makes it active.',
    );
  }
  const text = messagesOf(error);
  if (lackStates[state ?? '']?.test(text)) {
    return new Problem(
      'unavailable',
      'The database does not have the functions of this build. The operator migrates it.',
      {
        retryAfterSeconds: 5,
        cause: error,
      },
    );
  }
  const code = field(error, 'code');
  const isUnavailable =
    (state !== undefined && unavailableStates.some((pattern) => pattern.test(state))) ||
    (typeof code === 'string' && unavailablePrismaCodes.has(code)) ||
    unavailableMessages.test(text);
  if (!isUnavailable) return error;
  if (isReadOnly(error)) {
    return new Problem(
      'unavailable',
      'The database takes no writes at the moment, as during a failover. Try again shortly.',
      { retryAfterSeconds: 1, cause: error },
    );
  }
  return new Problem('unavailable', 'The database cannot be reached or is too slow. Try again shortly.', {
    retryAfterSeconds: 1,
    cause: error,
  });
}

/**
 * Whether Postgres refused the call of a function, by what `translateDatabaseErrors` made of the error. The call has changed
 * nothing, and the database works.
 */
export function isRefusedByPostgres(error: unknown): boolean {
  return error instanceof pg.DatabaseError;
}

/** The server of a connection takes no writes. Its code is the one that Postgres has for a refused write. */
export class ReadOnlyDatabase extends Error {
  readonly code = '25006';
  /** Prisma passes on the code of an error that has one. */
  readonly severity = 'FATAL';

  constructor() {
    super(
      'The database of DATABASE_URL takes no writes: it is a standby, or read-only. Give the address of the primary.',
    );
  }
}

/** Whether Postgres refused to write: it is a standby, or its transactions are set to be read-only. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === '25006';
}

/** Whether Postgres ended a transaction because of a conflict with another one: a deadlock or a serialization failure. */
export function isTransactionConflict(error: unknown): boolean {
  return ['40P01', '40001'].includes(sqlState(error) ?? '') || field(error, 'code') === 'P2034';
}

/**
 * Whether a transaction failed because the database was busy for too long. It has changed nothing, so it can run again: it
 * got no connection in time, or a limit of time has ended it before its commit. That includes the limit for a process that
 * stands still within a transaction.
 */
export function wasTooBusy(error: unknown): boolean {
  const cause = error instanceof Problem ? error.cause : error;
  return ['57014', '55P03', '25P03', '25P04'].includes(sqlState(cause) ?? '') || busyMessages.test(messagesOf(cause));
}

/** Messages of pg and Prisma for a transaction that has not begun in time, or was rolled back after its time. */
const busyMessages =
  /timeout exceeded when trying to connect|Unable to start a transaction|Transaction already closed|on an expired transaction|is not queryable/;

/** Whether an error means that a row with the same unique values exists. */
export function isUniqueViolation(error: unknown): boolean {
  return field(error, 'code') === 'P2002' || sqlState(error) === '23505';
}

/** Whether an error means that a row refers to a missing row, or that other rows refer to a deleted one. */
export function isForeignKeyViolation(error: unknown): boolean {
  return field(error, 'code') === 'P2003' || sqlState(error) === '23503';
}

/** The SQLSTATE of an error. pg, the driver adapter and Prisma each have it in another place. */
function sqlState(error: unknown): string | undefined {
  const cause = field(field(field(error, 'meta'), 'driverAdapterError'), 'cause') ?? field(error, 'cause');
  for (const candidate of [field(cause, 'originalCode'), field(cause, 'code'), field(error, 'code')]) {
    if (typeof candidate === 'string' && /^[0-9A-Z]{5}$/.test(candidate) && !/^P\d{4}$/.test(candidate))
      return candidate;
  }
  return undefined;
}

function messagesOf(error: unknown): string {
  const cause = field(field(field(error, 'meta'), 'driverAdapterError'), 'cause') ?? field(error, 'cause');
  return [error, cause]
    .flatMap((one) => [field(one, 'code'), field(one, 'message'), field(one, 'originalMessage')])
    .filter((part) => typeof part === 'string')
    .join(' ');
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
