import stringWidth from 'fast-string-width';
import { exitCodes } from './exit-codes.ts';
import { print, printable, tell } from './terminal.ts';

/** How a command shows its answer. */
export interface Output {
  /** As one JSON document; when following, as JSON Lines. */
  json?: boolean;
  /** Only this field of the answer, as text: names with dots between. */
  field?: string;
}

/** A column of a table: its heading, and what an entry has there. */
export type Column<Entry> = [heading: string, of: (entry: Entry) => unknown];

/** Shows one answer: as JSON, as one field, or as `forPeople` says. */
export function show(output: Output, answer: object, forPeople: () => string): void {
  if (output.field !== undefined) showField(answer, output.field);
  else if (output.json) print(JSON.stringify(answer, null, 2));
  else print(forPeople());
}

/** The part of a list that is shown when nothing else is said. */
export const usualLimit = 100;

export interface ListOutput extends Output {
  /** How many entries at most. */
  limit?: number;
}

/** Shows a list: as a JSON array, as one field of each entry, or as a table. */
export async function showList<Entry extends object>(
  output: ListOutput,
  entries: AsyncIterable<Entry> | Iterable<Entry>,
  columns: Column<Entry>[],
): Promise<void> {
  const limit = output.limit ?? usualLimit;
  const shown: Entry[] = [];
  let isCut = false;
  for await (const entry of entries) {
    isCut = shown.length === limit;
    if (isCut) break;
    shown.push(entry);
  }
  if (output.field !== undefined) for (const entry of shown) showField(entry, output.field);
  else if (output.json) print(JSON.stringify(shown, null, 2));
  else print(shown.length === 0 ? 'None.' : table(columns, shown));
  if (isCut) tell(`There are more than ${limit}. Use --limit to see more, or --limit all.`);
}

/** A table with aligned columns, for people. */
export function table<Entry>(columns: Column<Entry>[], entries: readonly Entry[]): string {
  const rows = [
    columns.map(([heading]) => heading.toUpperCase()),
    ...entries.map((entry) => columns.map(([, of]) => cell(of(entry)))),
  ];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => stringWidth(row[at] ?? ''))));
  return rows
    .map((row) =>
      row
        .map((text, at) => (at === row.length - 1 ? text : text + ' '.repeat((widths[at] ?? 0) - stringWidth(text))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The facts of one thing, a line each, for people. Facts that are absent are left out. */
export function facts(lines: [name: string, value: unknown][]): string {
  const there = lines.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...there.map(([name]) => name.length));
  return there.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`).join('\n');
}

/** All fields of an answer, for people. */
export function record(answer: object): string {
  return facts(Object.entries(answer));
}

function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return printable(timeOf(value) ?? value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return printable(value.join(' ')) || '-';
  return printable(JSON.stringify(value));
}

/** A time of the service without its fraction of a second; undefined: the text is no time. */
function timeOf(text: string): string | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3}Z$/.exec(text);
  return match ? `${match[1]}Z` : undefined;
}

/**
 * Prints a field. If there is no such field, the whole answer is printed: it may be one that comes only once, such as a new
 * key.
 */
function showField(answer: object, path: string): void {
  let value: unknown = answer;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (value === undefined) {
    print(JSON.stringify(answer));
    tell(`stagedoor: The answer has no field ${path}. Its fields are ${Object.keys(answer).join(', ')}.`);
    process.exitCode = exitCodes.usage;
    return;
  }
  print(typeof value === 'string' ? value : JSON.stringify(value));
}
