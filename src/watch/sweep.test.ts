import { moderationRates } from '../ivs/call-rates.ts';
import { afterAnswer, beginSweep, listInstead, mostByName, nextQuestion, type Question, type Sweep } from './sweep.ts';

const users = (count: number) => Array.from({ length: count }, (_, n) => `user-${n}`);

/** What one look asks at a stage with so many pages of people, at four calls a second, and what it learns of the pages. */
function look(pagesThere: number, watched: string[], pagesKnown: number | null = null) {
  const known = { users: watched, pages: pagesKnown };
  const began = Date.parse('2030-01-01T00:00:00Z');
  const asked: string[] = [];
  let sweep: Sweep = beginSweep('session', new Date(began).toISOString(), known);
  for (;;) {
    const now = new Date(began + (asked.length * 1_000) / moderationRates.ListParticipants.rate).toISOString();
    const question = nextQuestion(sweep, known, now);
    if (!question) return { asked, pages: known.pages };
    const read = Number(question.nextToken ?? 0) + 1;
    const hasMore = question.about === 'everybody' && read < pagesThere;
    asked.push(question.about === 'user' ? String(question.user) : question.about);
    const after = afterAnswer(sweep, known, question, { now, ...(hasMore && { nextToken: String(read) }) });
    sweep = after.sweep;
    known.pages = after.pages ?? known.pages;
    if (after.isWhole) return { asked, pages: known.pages };
  }
}

const callsOf = (pagesThere: number, watched: number, pagesKnown: number | null = null) =>
  look(pagesThere, users(watched), pagesKnown).asked.length;

test('one person is asked for by name, however many are on the stage', () => {
  expect(look(50, ['ann']).asked).toEqual(['ann']);
});

test('one page of the list does for any number of people on a small stage', () => {
  expect(look(1, users(300)).asked).toEqual(['everybody']);
});

// docs/limits.md states these numbers. Who comes in just after the look has passed them is found by the next look.
test.each([
  [1, 1, 1, 1],
  [10, 23, 12, 6],
  [300, 57, 57, 29],
])(
  'of 5,000 people, %i watched are found with %i calls at first and %i later: within %i seconds of calls',
  (watched, first, later, seconds) => {
    expect(callsOf(50, watched)).toBe(first);
    const { pages } = look(50, users(watched));
    expect(callsOf(50, watched, pages)).toBe(later);
    expect(Math.ceil((2 * later) / moderationRates.ListParticipants.rate)).toBe(seconds);
  },
);

test('a look never takes more than twice the calls of the better way, and one in eight for publishers', () => {
  for (const pages of [1, 2, 3, 5, 8, 13, 50, 100]) {
    for (const watched of [1, 2, 3, 5, 10, 40, mostByName, mostByName + 1, 5_000]) {
      const most = 1 + 2 * Math.min(pages, watched);
      expect(callsOf(pages, watched)).toBeLessThanOrEqual(Math.ceil((most * 8) / 7) + 1);
    }
  }
});

test('a long look asks for publishers second, and again every two seconds', () => {
  const { asked } = look(50, users(300));
  expect(asked.flatMap((about, at) => (about === 'publishers' ? [at] : []))).toEqual([1, 9, 17, 25, 33, 41, 49]);
});

test('a look by name asks for everybody once, also for those who are held later', () => {
  const known = { users: users(5), pages: 50 };
  const now = '2030-01-01T00:00:00Z';
  let sweep: Sweep = { since: now, sessionId: 'session', by: 'name', pages: 1, asked: ['user-0', 'user-1'] };
  sweep = { ...sweep, publishers: { askedAt: now } };
  const asked: string[] = [];
  for (let question = nextQuestion(sweep, known, now); question; question = nextQuestion(sweep, known, now)) {
    asked.push(String(question.user));
    ({ sweep } = afterAnswer(sweep, known, question, { now }));
    if (asked.length === 2) known.users = ['new', ...users(4)];
  }
  expect(asked).toEqual(['user-2', 'user-3', 'new']);
});

test('a user with more participants than a page has is asked for until the last page', () => {
  const known = { users: ['ann'], pages: null };
  const now = '2030-01-01T00:00:00Z';
  const begun = beginSweep('session', now, known);
  const question = nextQuestion(begun, known, now) as Question;
  const first = afterAnswer(begun, known, question, { now, nextToken: 'page 2' });
  expect(first.isWhole).toBe(false);
  const next = nextQuestion(first.sweep, known, now) as Question;
  expect(next).toMatchObject({ user: 'ann', nextToken: 'page 2' });
  expect(afterAnswer(first.sweep, known, next, { now }).isWhole).toBe(true);
});

test('a look by name becomes a list when too many are watched', () => {
  const known = { users: users(mostByName + 1), pages: 50 };
  const sweep: Sweep = {
    since: '',
    sessionId: 'session',
    by: 'name',
    pages: 3,
    asked: ['a'],
    user: 'b',
    nextToken: 'c',
  };
  expect(listInstead(sweep, known)).toEqual({ since: '', sessionId: 'session', by: 'list', pages: 0, asked: ['a'] });
  expect(listInstead(sweep, { ...known, users: users(mostByName) })).toBe(sweep);
});
