/** The SQL functions of the built service, called as it calls them. */
import type { functionSet as FunctionSet } from '../../src/database/function-set.ts';
import type { SqlArguments, sqlCall as SqlCall } from '../../src/database/sql-call.ts';
import { root } from './deployment.ts';

/** The set of functions of the build. The built module is read, because the service has deployed that one. */
export async function functionSchema(): Promise<{ schema: string }> {
  const { functionSet } = (await import(`${root}/dist/database/function-set.js`)) as {
    functionSet: typeof FunctionSet;
  };
  return functionSet;
}

/** The statement that calls a function, and its values. */
export async function callOf(name: string, args: SqlArguments): Promise<{ text: string; values: unknown[] }> {
  const { sqlCall } = (await import(`${root}/dist/database/sql-call.js`)) as { sqlCall: typeof SqlCall };
  const { text, values } = sqlCall(name, args);
  return { text, values };
}
