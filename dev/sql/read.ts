/** Reads the file of a SQL function with Postgres' own parsers, and tells what the function uses. */
import { loadModule, parsePlPgSQLSync, parseSync, SqlError } from 'libpg-query';

await loadModule();

/** A thing that a function names, and the line of the file where it does. */
export interface Named {
  /** As it is written: with its schema if that is written. */
  name: string;
  line: number;
}

/** What a function uses. A table that a CTE of the same statement hides is not named. */
export interface Uses {
  functions: Named[];
  /** Tables in `from`, `join`, `using`, and those of a locking clause. */
  reads: Named[];
  /** Tables of `insert`, `update`, `delete` and `merge`. */
  writes: Named[];
  /** Types that are written with a schema, or are not Postgres' own by their spelling: row types of tables among them. */
  types: Named[];
}

export interface SqlFunction {
  name: string;
  /** The schema, if one is written before the name. */
  schema: string | undefined;
  /** The line of `create function`. */
  line: number;
  language: string;
  /** Names of the parameters that a caller gives. */
  parameters: string[];
  /** Those of them that a caller may leave out. */
  optional: string[];
  /** Variables of a PL/pgSQL body, those of its loops included. */
  variables: Named[];
  /** Clauses besides the body: `language`, `volatility`, `security`, `set search_path` … */
  clauses: string[];
  replaces: boolean;
  /** Lines of the body that are neither blank nor comments. */
  bodyLines: number;
  /** Lines of `execute` and its like: SQL that is put together at run time. */
  dynamic: number[];
  uses: Uses;
}

/** Text that Postgres cannot read. */
export class Unreadable extends Error {
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

type Tree = { [key: string]: unknown };

/**
 * Reads the functions of a file.
 *
 * @throws {Unreadable} at the first place that Postgres' parsers refuse, or if a statement does something else than to create
 *   a function.
 */
export function readFunctions(text: string): SqlFunction[] {
  const { stmts = [] } = parseAt(text, 1);
  const bytes = Buffer.from(text);
  return stmts.map(({ stmt, stmt_location = 0, stmt_len }) => {
    const statement = bytes.subarray(stmt_location, stmt_len ? stmt_location + stmt_len : undefined).toString();
    const line = lineAt(bytes, stmt_location + Buffer.byteLength(leading(statement)));
    const tree = (stmt as Tree)['CreateFunctionStmt'] as Tree | undefined;
    if (!tree) throw new Unreadable(line, 'this statement does not create a function. Remedy: put it into a migration');
    return readFunction(tree, statement, line, text);
  });
}

/** What the functions of a file use. */
export function usesOf(text: string): Uses {
  const all = readFunctions(text).map(({ uses }) => uses);
  return {
    functions: all.flatMap(({ functions }) => functions),
    reads: all.flatMap(({ reads }) => reads),
    writes: all.flatMap(({ writes }) => writes),
    types: all.flatMap(({ types }) => types),
  };
}

function leading(statement: string): string {
  return /^(\s|--.*$)*/m.exec(statement)?.[0] ?? '';
}

function readFunction(tree: Tree, statement: string, line: number, text: string): SqlFunction {
  const [name = '', schema] = strings(tree['funcname']).reverse();
  const options = list(tree['options'], 'DefElem');
  const option = (wanted: string): unknown => options.find(({ defname }) => defname === wanted)?.['arg'];
  const language = strings([option('language')])[0] ?? 'sql';
  const [body] = strings(((option('as') as Tree | undefined)?.['List'] as Tree | undefined)?.['items']);
  const bodyLine = body === undefined ? line : text.slice(0, text.indexOf(body)).split('\n').length;
  const given = list(tree['parameters'], 'FunctionParameter').filter(
    ({ mode }) => mode !== 'FUNC_PARAM_TABLE' && mode !== 'FUNC_PARAM_OUT',
  );
  const nameOf = ({ name }: Tree) => (name as string | undefined) ?? '';
  const uses: Uses = { functions: [], reads: [], writes: [], types: [] };
  // Default values, types, and a body that is written as SQL and not as a string.
  collect(tree, uses, () => line);
  const found: SqlFunction = {
    name,
    schema,
    line,
    language,
    parameters: given.map(nameOf),
    optional: given.filter(({ defexpr }) => defexpr !== undefined).map(nameOf),
    variables: [],
    clauses: options.map(({ defname, arg }) =>
      defname === 'set' ? `set ${((arg as Tree)['VariableSetStmt'] as { name: string }).name}` : String(defname),
    ),
    replaces: tree['replace'] === true,
    bodyLines: countLines(body ?? statement.slice(/\b(return|begin atomic)\b/i.exec(statement)?.index ?? 0)),
    dynamic: [],
    uses,
  };
  if (body !== undefined && language === 'sql') readSql(body, bodyLine, uses);
  if (body !== undefined && language === 'plpgsql') readPlpgsql(statement, body, bodyLine, found);
  return found;
}

function countLines(body: string): number {
  return body.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('--')).length;
}

function readSql(sql: string, line: number, uses: Uses): void {
  const { stmts = [] } = parseAt(sql, line);
  const bytes = Buffer.from(sql);
  for (const { stmt } of stmts) collect(stmt as Tree, uses, (byte) => line - 1 + lineAt(bytes, byte));
}

function readPlpgsql(statement: string, body: string, bodyLine: number, found: SqlFunction): void {
  let parsed: Tree;
  try {
    parsed = parsePlPgSQLSync(statement) as unknown as Tree;
  } catch (error) {
    throw new Unreadable(found.line, `${error instanceof Error ? error.message : String(error)} (PL/pgSQL)`);
  }
  const code = list(parsed['plpgsql_funcs'], 'PLpgSQL_function')[0] ?? {};
  for (const datum of (code['datums'] ?? []) as Tree[]) {
    const [kind, variable] = Object.entries(datum)[0] as [string, Tree];
    const { refname, lineno, datatype } = variable as {
      refname?: string;
      lineno?: number;
      datatype?: { PLpgSQL_type: { typname: string } };
    };
    if (lineno && refname && ['PLpgSQL_var', 'PLpgSQL_rec'].includes(kind) && !/^sql(state|errm)$/.test(refname)) {
      const line = bodyLine + lineno - 1;
      found.variables.push({ name: refname, line });
      addType(found.uses, datatype?.PLpgSQL_type.typname ?? '', line);
    }
    if (kind === 'PLpgSQL_var') walkPlpgsql(variable, { body, bodyLine, found }, lineno ?? 1);
  }
  walkPlpgsql((code['action'] ?? {}) as Tree, { body, bodyLine, found }, 1);
}

interface Place {
  body: string;
  bodyLine: number;
  found: SqlFunction;
}

/** Goes through statements, and hands each query and expression to the SQL parser. `lineno`: of the statement, in the body. */
function walkPlpgsql(tree: Tree, place: Place, lineno: number): void {
  for (const [key, value] of Object.entries(tree)) {
    if (key === 'PLpgSQL_expr') readExpression(value as { query: string; parseMode?: number }, place, lineno);
    else if (typeof value === 'object' && value !== null && key !== 'datatype') {
      const line = Number((value as Tree)['lineno'] ?? lineno);
      if (key.startsWith('PLpgSQL_stmt_dyn') || key === 'dynquery') place.found.dynamic.push(place.bodyLine + line - 1);
      // A variable is read with its declaration, not again at each statement that sets it.
      if (!/^PLpgSQL_(var|rec|row|recfield)$/.test(key)) walkPlpgsql(value as Tree, place, line);
    }
  }
}

function readExpression(
  { query, parseMode = 0 }: { query: string; parseMode?: number },
  place: Place,
  lineno: number,
): void {
  // 0: a statement. 2: an expression. 3 and more: an assignment, with one or more names before the sign.
  const sql = parseMode === 0 ? query : `select ${parseMode === 2 ? query : query.replace(/^[^=]*?:?=/, '')}`;
  const start = place.body.split('\n', lineno - 1).join('\n').length;
  const at = place.body.indexOf(query, start);
  const line = at < 0 ? lineno : place.body.slice(0, at).split('\n').length;
  readSql(sql, place.bodyLine + line - 1, place.found.uses);
}

function parseAt(
  sql: string,
  line: number,
): { stmts?: { stmt?: unknown; stmt_location?: number; stmt_len?: number }[] } {
  try {
    return parseSync(sql);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const cursor = error instanceof SqlError ? (error.sqlDetails?.cursorPosition ?? 0) : 0;
    throw new Unreadable(line - 1 + sql.slice(0, cursor).split('\n').length, error.message);
  }
}

/** Gathers what a statement uses. `lineOf` tells the line of a byte. */
function collect(tree: Tree, uses: Uses, lineOf: (byte: number) => number): void {
  const hidden = new Set<string>();
  visit(tree, (kind, node) => kind === 'CommonTableExpr' && hidden.add(String(node['ctename'])));
  visit(tree, (kind, node, place) => {
    const line = lineOf(Number(node['location'] ?? 0));
    if (kind === 'FuncCall') uses.functions.push({ name: strings(node['funcname']).join('.'), line });
    if (kind === 'TypeName') addType(uses, strings(node['names']).join('.'), line);
    if (kind !== 'RangeVar' || place === 'lockedRels') return; // a lock names tables of the same query's `from`
    const name = [node['schemaname'], node['relname']].filter(Boolean).join('.');
    if (place === 'relation') uses.writes.push({ name, line });
    else if (!hidden.has(name)) uses.reads.push({ name, line });
  });
}

/** `place`: the field that a node stands in, for those whose meaning depends on it. */
function visit(tree: unknown, see: (kind: string, node: Tree, place?: string) => void, place?: string): void {
  if (Array.isArray(tree)) {
    for (const item of tree) visit(item, see, place);
    return;
  }
  if (typeof tree !== 'object' || tree === null) return;
  for (const [key, value] of Object.entries(tree as Tree)) {
    if (typeof value !== 'object' || value === null) continue;
    const isKind = /^[A-Z]/.test(key);
    // Fields whose type is always the same come without the name of that type.
    const kind = isKind ? key : untagged[key];
    if (kind !== undefined) see(kind, value as Tree, isKind ? place : key);
    visit(value, see, isKind ? undefined : key);
  }
}

/** `relation` is the table that insert, update, delete and merge write. */
const untagged: Record<string, string> = {
  relation: 'RangeVar',
  argType: 'TypeName',
  returnType: 'TypeName',
  typeName: 'TypeName',
};

function addType(uses: Uses, written: string, line: number): void {
  const name = written.replace(/(\[\]|%\w+)+$/, '');
  if (name !== '' && !name.startsWith('pg_catalog.')) uses.types.push({ name, line });
}

function list(value: unknown, kind: string): Tree[] {
  return ((value ?? []) as Tree[]).map((item) => item[kind] as Tree);
}

function strings(value: unknown): string[] {
  return ((value ?? []) as Tree[]).flatMap((item) => {
    const text = (item?.['String'] as Tree | undefined)?.['sval'];
    return typeof text === 'string' ? [text] : [];
  });
}

function lineAt(bytes: Buffer, byte: number): number {
  return bytes.subarray(0, byte).toString().split('\n').length;
}
