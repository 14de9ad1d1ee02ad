import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** One SQL function, as its file defines it. */
export interface SqlFunction {
  name: string;
  /** Name of the folder of src/ that it belongs to. */
  feature: string;
  /** `migrator` (the role that migrates) or `stagedoor_crossing`. */
  owner: string;
  security: 'invoker' | 'definer';
  /** Roles that may call it. */
  execute: string[];
  /** The text of the file: a `create function` statement that names functions without their schema. */
  sql: string;
}

/** All SQL functions of a build. They are deployed together, in a schema of their own. */
export interface FunctionSet {
  /** SHA-256 over the functions and the migrations of the build, in hexadecimal. */
  hash: string;
  /** Schema that holds the set. Two builds with different functions have different schemas. */
  schema: string;
  functions: SqlFunction[];
}

/** The folder of this build that holds the features: src/, or dist/ after compilation. */
const featuresFolder = fileURLToPath(new URL('..', import.meta.url));

/** The folder of the migrations of this build. */
export const migrationsFolder = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

const header = /^-- owner: (\w+); security: (invoker|definer); execute: ([\w, ]+)\n/;

/**
 * Reads the functions of a build from `<feature>/sql/<function>.sql`.
 * @throws {Error} if a file does not begin with its header line.
 */
export function readFunctionSet(features = featuresFolder, migrations = migrationsFolder): FunctionSet {
  const functions = globSync('*/sql/*.sql', { cwd: features })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .map((file) => readFunction(file, readFileSync(path.join(features, file), 'utf8')));
  const digest = createHash('sha256');
  for (const { feature, name, sql, owner, security, execute } of functions) {
    digest.update(JSON.stringify([feature, name, sql, owner, security, execute]));
  }
  for (const file of globSync('*/migration.sql', { cwd: migrations }).sort()) {
    digest.update(readFileSync(path.join(migrations, file)));
  }
  const hash = digest.digest('hex');
  return { hash, schema: `stagedoor_${hash.slice(0, 12)}`, functions };
}

function readFunction(file: string, text: string): SqlFunction {
  const [feature = '', , base = ''] = file.split('/');
  const [, owner = '', security = '', execute = ''] = header.exec(text) ?? [];
  if (owner === '') throw new Error(`${file} must begin with: -- owner: …; security: …; execute: …`);
  return {
    name: base.replace(/\.sql$/, ''),
    feature,
    owner,
    security: security as SqlFunction['security'],
    execute: execute === 'nobody' ? [] : execute.split(', '),
    sql: text,
  };
}

/** The set of this build. */
export const functionSet = readFunctionSet();

/**
 * The statement that creates a function of a set. It has the schema before every name of a function of the set, so no
 * function depends on the search path of a connection. A connection pooler may reset that.
 */
export function inSchema({ sql }: SqlFunction, { schema, functions }: FunctionSet): string {
  const names = new Set(functions.map(({ name }) => name));
  return sql.replaceAll(/(?<![.\w])\w+(?=\()/g, (name) => (names.has(name) ? `${schema}.${name}` : name));
}
