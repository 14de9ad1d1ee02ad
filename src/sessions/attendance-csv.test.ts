import { csvHeader, csvLine } from './attendance-csv.ts';

const row = {
  participantId: 'p1',
  userId: 'ann',
  role: 'viewer',
  joinedAt: '2026-03-01T19:00:00.000Z',
  leftAt: null,
  stays: 1,
  published: false,
  seconds: 60,
};

test('a line has the columns of the header, and an empty cell where there is nothing', () => {
  expect(csvHeader).toBe('userId,participantId,role,joinedAt,leftAt,seconds,stays,published\r\n');
  expect(csvLine({ ...row, role: null })).toBe('ann,p1,,2026-03-01T19:00:00.000Z,,60,1,false\r\n');
});

test.each([
  ['=1+1', "'=1+1"],
  ['+49', "'+49"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\rx', `"'\rx"`],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\nb', '"a\nb"'],
  ["it's = fine", "it's = fine"],
])('the user id %j becomes the cell %j', (userId, cell) => {
  expect(csvLine({ ...row, userId })).toBe(`${cell},p1,viewer,2026-03-01T19:00:00.000Z,,60,1,false\r\n`);
});
