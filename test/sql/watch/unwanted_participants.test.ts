/** `unwanted_participants`, as a table: what is held and who is connected, and who should be gone. */
import { inHours, insertHold, insertTwoTenants } from '../../support/moderation-rows.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const lookedAt = '2030-01-01T00:00:00.000Z';
const beforeLook = '2029-12-31T23:59:59.999Z';

/** `participant action grant` of everybody who should be gone. */
async function unwanted(connected: Row | null): Promise<string[]> {
  const rows = await sql.call('unwanted_participants', { tenant: 'ten', space: 'spc', lookedAt, connected });
  return rows.map((row) => [row['participant_id'], row['action_id'], row['grant_id'] ?? '-'].join(' '));
}

const hold = (row: Row = {}) => insertHold(sql, { participant_id: 'part', watch_from: beforeLook, ...row });

const ann = { userId: 'ann', publishing: false };
const ben = { userId: 'ben', publishing: true };

/** The hold of a grant, who is connected, and who should be gone. */
type Case = [what: string, hold: Row, connected: Row | null, unwanted: string[]];

const cases: Case[] = [
  ['the participant of a held grant', {}, { part: ann }, ['part act grt']],
  ['that participant by whatever name', {}, { part: ben }, ['part act grt']],
  ['that participant, of whom nothing else is known', {}, { part: {} }, ['part act grt']],
  ['nobody, if they are not connected', {}, { other: ben }, []],
  ['nobody, if nobody is connected', {}, {}, []],
  ['nobody, if nothing is known', {}, null, []],
  ['nobody else of the same user', {}, { part_2: ann }, []],
  ['nobody, if the grant has no participant', { participant_id: null }, { part: ann }, []],
  ['a banned participant', { watch_for: 'banned' }, { part: ann }, ['part act grt']],
  ['a banned user who came in otherwise', { watch_for: 'banned' }, { part_2: ann }, ['part_2 act -']],
  [
    'a banned user as often as they came in',
    { watch_for: 'banned' },
    { part: ann, part_2: ann, part_3: ben },
    ['part act grt', 'part_2 act -'],
  ],
  [
    'a banned user whose grant has no participant',
    { watch_for: 'banned', participant_id: null },
    { part_2: ann },
    ['part_2 act -'],
  ],
  ['a banned participant who has another name at IVS now', { watch_for: 'banned' }, { part: ben }, ['part act grt']],
  ['no other user beside a banned one', { watch_for: 'banned' }, { part_3: ben, part_4: {} }, []],
  [
    'a demoted participant who exceeds',
    { watch_for: 'demoted' },
    { part: { ...ann, exceeds: true } },
    ['part act grt'],
  ],
  ['no demoted participant who keeps to it', { watch_for: 'demoted' }, { part: { ...ann, exceeds: false } }, []],
  ['no demoted participant who was not looked at', { watch_for: 'demoted' }, { part: ann }, []],
  ['no other participant of a demoted user', { watch_for: 'demoted' }, { part_2: { ...ann, exceeds: true } }, []],
  ['nobody by a hold from the time of the look', { watch_from: lookedAt }, { part: ann }, []],
  ['nobody by a hold from later', { watch_from: '2030-01-02T00:00:00Z' }, { part: ann }, []],
  ['nobody by a hold of a chat grant', { kind: 'chat' }, { part: ann }, []],
  ['nobody by a hold of another space', { space_id: 'spc_beside' }, { part: ann }, []],
  ['nobody by a hold of another tenant', { tenant_id: 'ten_other', watch_for: 'banned' }, { part: ann }, []],
];

describe('unwanted_participants', () => {
  test.each(cases)('lists %s', async (_, held, connected, answer) => {
    await hold(held);
    expect(await unwanted(connected)).toEqual(answer);
  });

  test('lists nobody if nothing is held', async () => {
    expect(await unwanted({ part: ann })).toEqual([]);
  });

  test.each<[string, Row[], Row, string[]]>([
    [
      'by the first of two actions',
      [{ action_id: 'act_beside' }, { action_id: 'act' }],
      { part: ann },
      ['part act grt'],
    ],
    [
      'by the action that holds their grant, before one that bans their user',
      [
        { grant_id: 'grt_1', action_id: 'act', watch_for: 'banned', participant_id: 'part_1' },
        { grant_id: 'grt_2', action_id: 'act_beside', participant_id: 'part_2' },
      ],
      { part_2: ann },
      ['part_2 act_beside grt_2'],
    ],
    [
      'by the action that a demoted participant must be gone for',
      [{ action_id: 'act', watch_for: 'demoted' }, { action_id: 'act_beside' }],
      { part: { ...ann, exceeds: false } },
      ['part act_beside grt'],
    ],
    [
      'by one of the grants that they came in with',
      [
        { grant_id: 'grt_1', watch_for: 'banned', participant_id: 'part_1' },
        { grant_id: 'grt_2', watch_for: 'banned', participant_id: 'part_2' },
      ],
      { part_1: ann, part_2: ann },
      ['part_1 act grt_1', 'part_2 act grt_2'],
    ],
  ])('lists a participant once, %s', async (_, held, connected, answer) => {
    for (const row of held) await hold(row);
    expect(await unwanted(connected)).toEqual(answer);
  });

  test('tells until when the action wants it', async () => {
    const end = new Date('2031-01-01T00:00:00Z');
    await hold({ until: end });
    await hold({ grant_id: 'grt_2', participant_id: 'part_2', expires_at: inHours(1) });
    const rows = await sql.call('unwanted_participants', {
      tenant: 'ten',
      space: 'spc',
      lookedAt,
      connected: { part: ann, part_2: ann },
    });
    expect(rows.map((row) => row['until'])).toEqual([end, null]);
  });
});
