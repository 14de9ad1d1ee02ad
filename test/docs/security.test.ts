/** The pages about threats and faults name tests that there are, leave no number out, and say what is installed. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

const pages = [
  ['docs/security/threats.md', 'T', 61],
  ['docs/operations/faults.md', 'F', 44],
] as const;

/** The sections with a number, by it: each is one threat or one fault. */
function sectionsOf(page: string, letter: string): Map<string, string> {
  const parts = read(page).split(/^(?=#{2,3} )/m);
  return new Map(
    parts.flatMap((part) => {
      const number = new RegExp(`^### (${letter}\\d+): \\S`).exec(part)?.[1];
      return number === undefined ? [] : [[number, part]];
    }),
  );
}

/** The test files that a section names, each with the names of its tests. */
function testsOf(section: string): [file: string, names: string[]][] {
  const shown = section.split(/\n{2,}/).filter((paragraph) => paragraph.startsWith('**Shown by.**'));
  return shown
    .join('\n')
    .replaceAll(/\s+/g, ' ')
    .split(/(?=`[^`]+`: “)/)
    .slice(1)
    .map((part) => [/^`([^`]+)`/.exec(part)?.[1] ?? '', [...part.matchAll(/“([^”]+)”/g)].map(([, name = '']) => name)]);
}

/** Whether a test file has a test, or a group of tests, with this name: a text in quotes, with a comma behind. */
function hasTest(file: string, name: string): boolean {
  const text = read(file);
  return ["'", '"', '`'].some((quote) =>
    text
      .split(quote + name + quote)
      .slice(1)
      .some((rest) => /^\s*,/.test(rest)),
  );
}

describe.each(pages)('%s', (page, letter, last) => {
  const sections = sectionsOf(page, letter);
  const files = new Set(
    globSync('{src,test,client,emulator}/**/*.test.ts', { cwd: root, exclude: ['**/node_modules'] }),
  );

  test('has each number once, in order', () => {
    const wanted = Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
    expect([...read(page).matchAll(/^### ([A-Z]\d+): /gm)].map(([, number]) => number)).toEqual(wanted);
    expect([...sections.keys()]).toEqual(wanted);
  });

  test('says of each what shows it, or that it is open', () => {
    const silent = [...sections].filter(([, text]) => testsOf(text).length === 0 && !/^\*\*Open\.\*\* \S/m.test(text));
    expect(silent.map(([number]) => number)).toEqual([]);
  });

  test('names tests that there are', () => {
    const missing = [...sections].flatMap(([number, text]) =>
      testsOf(text).flatMap(([file, names]) => {
        if (!files.has(file)) return [`${number}: there is no file ${file}`];
        if (names.length === 0) return [`${number}: no test of ${file} is named`];
        return names.filter((name) => !hasTest(file, name)).map((name) => `${number}: ${file} has no test “${name}”`);
      }),
    );
    expect(missing).toEqual([]);
    const quoted =
      read(page)
        .replaceAll(/\s+/g, ' ')
        .split(/`[^`]+\.test\.ts`/).length - 1;
    expect([...sections.values()].flatMap(testsOf)).toHaveLength(quoted);
  });

  test('names settings and headings that there are', () => {
    const text = read(page);
    const settings = [...text.matchAll(/`([A-Z][A-Z_]{6,})`/g)].map(([, name = '']) => name);
    const shown = read('.env.example');
    expect(settings.filter((name) => !shown.includes(`#${name}=`))).toEqual([]);
    const links = [...text.matchAll(/\]\(([^)#]*)#([^)]+)\)/g)].map(([, file = '', heading = '']) => ({
      file,
      heading,
    }));
    const dead = links.filter(({ file, heading }) => {
      const target = file === '' ? page : path.join(path.dirname(page), file);
      return !headingsOf(read(target)).has(heading);
    });
    expect(dead).toEqual([]);
  });
});

/** The addresses of the headings of a page, as the site and GitHub make them. */
function headingsOf(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(titles.map((title) => title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')));
}

type Lock = { packages: Record<string, { version?: string; integrity?: string; link?: boolean }> };
const lock = Object.entries((JSON.parse(read('package-lock.json')) as Lock).packages).filter(
  ([place, { link }]) => place.includes('node_modules/') && link !== true,
);

/** The versions of a package in the lockfile. */
function versionsOf(name: string): (string | undefined)[] {
  return lock.filter(([place]) => place.endsWith(`node_modules/${name}`)).map(([, { version }]) => version);
}

test('each package has a checksum, and no install script runs', () => {
  expect(lock.length).toBeGreaterThan(500);
  expect(lock.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-')).map(([place]) => place)).toEqual([]);
  expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
});

test('no package has a version with a hole that the page about threats names', () => {
  const [, table = ''] = read('docs/security/threats.md').split('## Known holes of packages');
  const rows = [...table.matchAll(/^\| +([^|]+?) +\| +[^|]+ +\| +([^|]+?) +\|$/gm)].slice(1);
  expect(rows.length).toBeGreaterThan(9);
  for (const [, names = '', here = ''] of rows.filter(([line]) => !line.includes('---'))) {
    const [first = '', ...others] = names.split(', ');
    const version = /\b\d+\.\d+\.\d+\b/.exec(here)?.[0];
    const absent = here.startsWith('not installed') ? [first, ...others] : [];
    absent.push(...[...here.matchAll(/(\S+) is not installed/g)].map(([, name = '']) => name));
    expect({ absent, versions: absent.flatMap(versionsOf) }).toEqual({ absent, versions: [] });
    if (version !== undefined) expect({ first, versions: versionsOf(first) }).toEqual({ first, versions: [version] });
    expect({ first, said: version ?? absent[0] ?? /\[T\d+\]/.exec(here)?.[0] }).not.toEqual({ first, said: undefined });
  }
});

test('no page of the console, of the sample or of the documentation makes HTML of a text', () => {
  const files = globSync(
    '{console/src,samples/react/src,client/src,docs/.vitepress,docs/public}/**/*.{ts,tsx,vue,js,html}',
    {
      cwd: root,
      exclude: ['**/node_modules'],
    },
  );
  expect(files.filter((file) => file.startsWith('console/src')).length).toBeGreaterThan(10);
  const sinks =
    /dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function\(|v-html/;
  expect(files.filter((file) => sinks.test(read(file)))).toEqual([]);
});
