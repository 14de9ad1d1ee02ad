/** Every SQL function has direct tests: a `describe` that is called as the function, in a file that calls it by name. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the tests of a feature say: test/sql/<feature>.test.ts and the files under test/sql/<feature>/. */
function testsOf(feature: string): string[] {
  return globSync([`test/sql/${feature}.test.ts`, `test/sql/${feature}/**/*.test.ts`], { cwd: root }).map((file) =>
    readFileSync(path.join(root, file), 'utf8'),
  );
}

/** Says whether a file has a `describe` of the function and calls it through `SqlSession`. */
function tests(text: string, name: string): boolean {
  return (
    new RegExp(`\\bdescribe(\\.\\w+)?\\('${name}[' ]`).test(text) &&
    new RegExp(`\\.(call|value|rowsOf|valueOf)(<[^(]*>)?\\(\\s*'${name}'`).test(text)
  );
}

test('every SQL function has direct tests', () => {
  const files = globSync('src/*/sql/*.sql', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
  expect(files.length).toBeGreaterThan(0);
  const untested = files.filter((file) => {
    const [, feature = '', , base = ''] = file.split('/');
    return !testsOf(feature).some((text) => tests(text, base.replace(/\.sql$/, '')));
  });
  const advice =
    "Write describe('<function>', …) in test/sql/<feature>.test.ts, or in a file in the folder test/sql/<feature>/, and call " +
    'the function there with sql.call, sql.value, sql.rowsOf or sql.valueOf.';
  expect(untested.length > 0 ? [advice, ...untested] : []).toEqual([]);
});
