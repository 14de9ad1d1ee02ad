/** A test file that passes, but lets a secret out. test/secret-search.test.ts runs it: npm test does not. */
import { secretSearch } from '../support/secret-search.ts';

it('passes', () => {
  secretSearch.add('a secret that was planted', process.env['PLANTED'] ?? '');
  if (process.env['LEAKS'] === 'true') secretSearch.read('the log', `{"msg":"here is ${process.env['PLANTED']}"}`);
});
