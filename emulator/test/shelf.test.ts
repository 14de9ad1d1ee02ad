/** Which part of the emulator may import which: rules that somebody in a hurry would break. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../src');

/** The folders and loose files of src/ in one line. Each imports only from its left. README.md says what each holds. */
const shelf = [
  'clock ids arns post',
  'wire realtime chat chatlogs',
  'journal faults quotas accounts eventbridge',
  'state stage messaging operations',
  'options seed http control emulator cli wait bin index',
].flatMap((line) => line.split(' '));

const reason =
  'folders that import each other cannot be understood, tested or moved one at a time. ' +
  'Move the shared part to the left, or move the code that uses it to the right.';

/** Every source file that is not a test, by its path below src/, with the files it imports. Type imports count. */
const imports = new Map(
  globSync('**/*.ts', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => [file, importsOf(file)]),
);

/** The text of a file without its comments. */
function codeOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
}

function importsOf(file: string): string[] {
  return [...codeOf(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    path.posix.join(path.posix.dirname(file), match[1] ?? ''),
  );
}

/** The place of a file in the line: its folder, or its own name if it lies directly in src/. */
function placeOf(file: string): string {
  return (file.split('/')[0] ?? '').replace(/\.ts$/, '');
}

test('every folder of src/ has its place in the line, and the line names no folder that does not exist', () => {
  const places = [...new Set([...imports.keys()].map(placeOf))];
  expect(places.sort()).toEqual([...shelf].sort());
});

test('each folder of src/ imports only from its left', () => {
  const upward = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => shelf.indexOf(placeOf(target)) > shelf.indexOf(placeOf(file)))
      .map((target) => `${file} imports ${target}, which stands to its right: ${reason}`),
  );
  expect(upward).toEqual([]);
});

test('every import names a file of src/, so that no import escapes the other two tests', () => {
  const files = [...imports].flatMap(([file, targets]) => targets.map((target) => ({ file, target })));
  expect(files.length).toBeGreaterThan(200);
  expect(files.filter(({ target }) => !imports.has(target))).toEqual([]);
});

test('src/ imports the packages that package.json declares, and package.json declares no others', () => {
  const manifest = JSON.parse(readFileSync(path.join(root, '../package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const packages = [...imports.keys()]
    .flatMap((file) => [...codeOf(file).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^.'][^']*)'/g)])
    .map((match) => match[1] ?? '')
    .filter((name) => !name.startsWith('node:'));
  expect([...new Set(packages)].sort()).toEqual(Object.keys(manifest.dependencies).sort());
});

test('no file of src/ imports itself through other files', () => {
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
    if (way.includes(file) || finished.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...way, file]);
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  expect(circles).toEqual([]);
});
