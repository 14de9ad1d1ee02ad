import { z } from 'zod';
import { functionSet } from './function-set.ts';
import type { Prisma } from './generated/client.ts';

/** Arguments of a SQL function by name. `{ spaceId: … }` is passed as `p_space_id => …`. */
export type SqlArguments = Record<string, SqlValue>;

/** Objects become jsonb. An array becomes a Postgres array; for a jsonb array, pass `JSON.stringify` of it. */
export type SqlValue = string | number | boolean | Date | Uint8Array | null | readonly string[] | object;

/** A statement that calls one function, with named notation. */
export interface SqlCall {
  /** Name of the prepared statement. The same text has the same name. */
  name: string;
  text: string;
  values: unknown[];
}

const statements = new Map<string, Pick<SqlCall, 'name' | 'text'>>();

/** Builds the statement of a call. A function that returns one value returns it in the column `result`. */
export function sqlCall(functionName: string, args: SqlArguments): SqlCall {
  const names = Object.keys(args);
  const key = `${functionName} ${names.join(' ')}`;
  let statement = statements.get(key);
  if (!statement) {
    const passed = names.map((name, at) => `p_${toSnakeCase(name)} => $${at + 1}`).join(', ');
    statement = {
      name: `${functionName}/${statements.size}`,
      text: `select * from ${functionSet.schema}.${functionName}(${passed}) as result`,
    };
    statements.set(key, statement);
  }
  return { ...statement, values: Object.values(args).map(toParameter) };
}

/** The same statement without a name. Named ones last longer than a transaction, and a pooler may not keep them. */
export function unnamed({ text, values }: SqlCall): Omit<SqlCall, 'name'> {
  return { text, values };
}

/**
 * Calls a SQL function inside a transaction.
 * @param row schema of a row. A function that returns one value has the column `result`.
 */
export async function callIn<Row extends z.ZodType>(
  tx: Prisma.TransactionClient,
  functionName: string,
  args: SqlArguments,
  row: Row,
): Promise<z.output<Row>[]> {
  const { text, values } = sqlCall(functionName, args);
  return z.array(row).parse(await tx.$queryRawUnsafe(text, ...values)) as z.output<Row>[];
}

/** Calls a SQL function that returns one value, inside a transaction. */
export async function valueIn<Value extends z.ZodType>(
  tx: Prisma.TransactionClient,
  functionName: string,
  args: SqlArguments,
  value: Value,
): Promise<z.output<Value>> {
  const { text, values } = sqlCall(functionName, args);
  return parseValue(functionName, await tx.$queryRawUnsafe<ResultRow[]>(text, ...values), value);
}

/** Calls a SQL function that returns nothing, inside a transaction. */
export async function runIn(tx: Prisma.TransactionClient, functionName: string, args: SqlArguments): Promise<void> {
  const { text, values } = sqlCall(functionName, args);
  await tx.$executeRawUnsafe(text, ...values);
}

/** A row of a function that returns one value. */
export interface ResultRow {
  result: unknown;
}

/** The value in the rows of a function that returns one value. */
export function parseValue<Value extends z.ZodType>(
  functionName: string,
  [row]: ResultRow[],
  value: Value,
): z.output<Value> {
  if (!row) throw new Error(`${functionName} returned no row`);
  return value.parse(row.result);
}

function toSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function toParameter(value: SqlValue): unknown {
  const isJson =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array);
  return isJson ? JSON.stringify(value) : value;
}
