/** Whatever could grow is listed in docs/operations/growth.md, with its bound: tables, maps and caches, labels of metrics. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** The first cells of a table below a heading of the page, without marks. A row needs all its cells. */
function listed(heading: string): string[] {
  const section =
    read('docs/operations/growth.md')
      .split(/^## /m)
      .find((part) => part.startsWith(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map((cells) =>
      cells.every((cell) => cell !== '') ? (cells[0] ?? '').replaceAll('`', '') : `${cells[0]}: a cell is empty`,
    )
    .sort();
}

test('every table', () => {
  const tables = [...read('prisma/schema.prisma').matchAll(/@@map\("(\w+)"\)/g)].map(([, name = '']) => name);
  expect(listed('Tables')).toEqual(tables.sort());
});

test('every map, set, cache and list that outlives a call', () => {
  // Fields of classes, and constants of files. What begins with content that stands in the code does not grow.
  const kept =
    /^(?:const |  (?:private |protected |public |static )*(?:readonly )?)(?<name>\w+)(?:: [^=\n]+)? = new (?:LRUCache\b|(?:Map|Set)(?:<.*>)?\((?:\)|\[null\]))/gm;
  const list =
    /^(?:const |let |  (?:private |protected |public |static )*(?:readonly )?)(?<name>\w+)(?:: [^=\n]+)? = (?:\[\]|new Array\b.*);/gm;
  const assigned = /^ +this\.(?<name>\w+) = new LRUCache\b/gm;
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !/\.test\.ts$|generated/.test(file));
  const found = files.flatMap((file) => {
    const text = read(file);
    return [kept, list, assigned].flatMap((pattern) =>
      [...text.matchAll(pattern)].map(({ groups }) => `${file.replaceAll('\\', '/')} ${groups?.['name']}`),
    );
  });
  expect(found.length).toBeGreaterThan(30);
  expect(listed('Memory')).toEqual(found.sort());
});

test('every label of a metric', () => {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !/\.test\.ts$|generated/.test(file));
  const names = files.flatMap((file) =>
    [...read(file).matchAll(/labelNames: \[([^\]]*)\]/g)].flatMap(([, list = '']) =>
      [...list.matchAll(/'(\w+)'/g)].map(([, name = '']) => name),
    ),
  );
  expect(listed('Labels')).toEqual([...new Set(names)].sort());
});
