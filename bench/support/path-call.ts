/** What the lists of calls of SQL functions are made of. */
import type { SqlArguments } from '../../src/database/sql-call.ts';
import { spaceId, tenantId, usersOf } from './row-shape.ts';

/** What is done before a call, in the same transaction: a statement, or a function with its arguments. */
export type Before = string | [name: string, args: SqlArguments];

/** A call of a function. It is undone afterwards. */
export type PathCall = [
  path: string,
  name: string,
  /** The arguments of the nth call. */
  args: (n: number) => SqlArguments,
  before?: Before[],
];

export const tenant = tenantId(0);
/** The space with half of the grants of the tenant. */
export const lobby = spaceId(0, 0);
/** Users with a history. 'often' has one grant in a hundred of the tenant. */
export const user = (n: number) => `user-${(n * 7919 + 1) % usersOf(0)}`;
/** The account of IVS that the deliveries of the rows are for. */
export const account = 'own us-east-1';
