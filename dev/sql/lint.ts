/** The rules for the SQL functions. `node dev/sql/lint.ts` says where they are broken. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { sqlFiles } from './format.ts';
import { readFunctions, type SqlFunction, Unreadable } from './read.ts';
import { tables } from './tables.ts';

/** A rule that is broken: where, and what to do. */
export interface Finding {
  line: number;
  message: string;
}

const maxLines = 70;
const maxColumns = 120;
const header = /^-- owner: (migrator|stagedoor_crossing); security: (invoker|definer); execute: (.+)$/;
const callers = /^(nobody|(stagedoor_app|stagedoor_crossing)(, (stagedoor_app|stagedoor_crossing))*)$/;

/** Looks at one file. `tableNames`: the tables of the migrations. */
export function lintFile(file: string, text: string, tableNames: ReadonlySet<string>): Finding[] {
  const findings = [...lintLines(text), ...lintHeader(text)];
  try {
    const functions = readFunctions(text);
    const [first, second] = functions;
    if (!first) findings.push({ line: 1, message: 'the file creates no function' });
    if (second)
      findings.push({ line: second.line, message: `a second function: move ${second.name} to ${second.name}.sql` });
    if (first) findings.push(...lintFunction(file, first, tableNames));
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    findings.push({ line: error.line, message: error.message });
  }
  return findings.sort((a, b) => a.line - b.line);
}

/** Looks at what holds between files: a name stands in one file alone. */
export function lintSet(files: readonly string[]): string[] {
  const places = Map.groupBy(files, (file) => path.posix.basename(file));
  return [...places.values()]
    .filter(({ length }) => length > 1)
    .map((same) => `${same.join(', ')}: two functions of one name. Remedy: rename one`);
}

function lintLines(text: string): Finding[] {
  return text.split('\n').flatMap((content, i) => {
    const line = i + 1;
    if (content.includes('\t')) return [{ line, message: 'a tab: indent by two spaces' }];
    if (content.length > maxColumns)
      return [{ line, message: `${content.length} columns: break the line before column ${maxColumns}` }];
    return [];
  });
}

function lintHeader(text: string): Finding[] {
  const [first = '', second, third = ''] = text.split('\n');
  const [, , , execute = ''] = header.exec(first) ?? [];
  const findings: Finding[] = [];
  if (!callers.test(execute))
    findings.push({
      line: 1,
      message:
        'the first line has to be: -- owner: migrator or stagedoor_crossing; security: invoker or definer; execute: nobody, or roles with commas between',
    });
  if (second !== '--' || !/^-- \S/.test(third))
    findings.push({ line: 2, message: 'write `--`, then a comment that says what the function decides and answers' });
  const [, between = ''] = /^(?:--.*\n)*([\s\S]*?)^create\b/im.exec(text) ?? [];
  if (between !== '')
    findings.push({ line: 1, message: 'only the comment stands before `create`: remove the blank lines' });
  return findings;
}

function lintFunction(file: string, found: SqlFunction, tableNames: ReadonlySet<string>): Finding[] {
  const { name, line, bodyLines } = found;
  const findings: Finding[] = [];
  const complain = (message: string, at = line): number => findings.push({ line: at, message });
  if (path.posix.basename(file) !== `${name}.sql`)
    complain(`the file has to be called ${name}.sql, after its function`);
  if (found.schema !== undefined) complain(`write the name without ${found.schema}: each set has a schema of its own`);
  if (found.replaces) complain('write `create function`: a set that is deployed is never changed');
  if (!['sql', 'plpgsql'].includes(found.language)) complain(`the language is sql or plpgsql, not ${found.language}`);
  if (found.clauses.includes('security')) complain('say `security: definer` in the first line, not in the SQL');
  if (found.clauses.includes('set search_path')) complain('leave `set search_path` out: deploying sets it');
  if (bodyLines > maxLines)
    complain(`the body has ${bodyLines} lines, and ${maxLines} are allowed: move a part to a function of its own`);
  for (const parameter of found.parameters)
    if (!/^p_[a-z0-9_]+$/.test(parameter)) complain(`parameter ${parameter || 'without a name'}: call it p_…`);
  for (const parameter of found.optional)
    complain(`parameter ${parameter}: leave out its default, so that a caller who forgets the argument fails at once`);
  for (const variable of found.variables)
    if (!/^v_[a-z0-9_]+$/.test(variable.name)) complain(`variable ${variable.name}: call it v_…`, variable.line);
  for (const at of found.dynamic) complain('SQL that is put together at run time cannot be checked: write it out', at);
  return [...findings, ...lintUses(found, tableNames)];
}

function lintUses({ uses }: SqlFunction, tableNames: ReadonlySet<string>): Finding[] {
  const findings: Finding[] = [];
  for (const { name, line } of [...uses.reads, ...uses.writes]) {
    const [table = '', schema] = name.split('.').reverse();
    if (schema === undefined) findings.push({ line, message: `table ${name}: write public.${name}` });
    else if (schema === 'public' && !tableNames.has(table))
      findings.push({ line, message: `the migrations create no table ${table}` });
  }
  for (const { name, line } of uses.types) {
    const [first = ''] = name.split('.');
    if (tableNames.has(first)) findings.push({ line, message: `type ${name}: write public.${name}` });
  }
  for (const { name, line } of uses.functions)
    if (name.includes('.') && !name.startsWith('pg_catalog.'))
      findings.push({
        line,
        message: `function ${name}: write its name without a schema, so that it is the set's own`,
      });
  return findings;
}

function main(root: string): number {
  const files = sqlFiles(root);
  const tableNames = tables(root);
  const complaints = files.flatMap((file) =>
    lintFile(file, readFileSync(path.join(root, file), 'utf8'), tableNames).map(
      ({ line, message }) => `${file}:${line}: ${message}`,
    ),
  );
  complaints.push(...lintSet(files));
  for (const complaint of complaints) console.log(complaint);
  return complaints.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = main(path.resolve(import.meta.dirname, '../..'));
