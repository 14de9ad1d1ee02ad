/** The event grant.issued: noted for the tenants that ask for it, and written once the token was given. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const id of ['ten', 'two']) await sql.insert('tenants', { id });
});
afterEach(() => sql.rollback());

const log = (tenant_id: string, issued_until: unknown = null) =>
  sql.query(`insert into event_logs (tenant_id, last_position, last_at, issued_until) values ($1, 0, now(), $2)`, [
    tenant_id,
    issued_until,
  ]);
const later = new Date(Date.now() + 3_600_000);
const untold = async () =>
  (await sql.query('select tenant_id, grant_id from untold_grants order by 1, 2')).map((row) =>
    Object.values(row).join(' '),
  );
const note = (tenants: string[], grants: (string | null)[]) => sql.call('note_issued_grants', { tenants, grants });

describe('note_issued_grants', () => {
  test('notes the grants of those who ask, and nothing else', async () => {
    await log('ten', later);
    await log('two');
    await note(['ten', 'two', 'ten', 'ten'], ['a', 'b', null, 'c']);
    await note(['ten'], ['a']);
    expect(await untold()).toEqual(['ten a', 'ten c']);
  });
});

describe('grant_issued_event', () => {
  test('tells what was given to whom, and no token', async () => {
    await sql.insert('grants', {
      tenant_id: 'ten',
      id: 'a',
      space_id: 'spc',
      user_id: 'ann',
      kind: 'stage',
      role: 'host',
      mint: 'key-pair',
      participant_id: 'p',
      expires_at: new Date('2026-01-01T01:00:00Z'),
      issued_at: new Date('2026-01-01T00:00:00Z'),
    });
    const event = await sql.valueOf<Record<string, unknown>>('grant_issued_event', '(select g from grants g)');
    expect(event).toMatchObject({
      type: 'grant.issued',
      spaceId: 'spc',
      userId: 'ann',
      data: {
        grantId: 'a',
        kind: 'stage',
        role: 'host',
        mint: 'key-pair',
        participantId: 'p',
        expiresAt: '2026-01-01T01:00:00.000Z',
      },
    });
    expect(new Date(event['at'] as string)).toEqual(new Date('2026-01-01T00:00:00Z'));
  });
});

describe('tell_issued_grants', () => {
  const tell = (most = 10) => sql.value<number>('tell_issued_grants', { most });
  const told = async () =>
    (await sql.query(`select tenant_id, data ->> 'grantId' as grant_id from events order by written`)).map((row) =>
      Object.values(row).join(' '),
    );

  test('writes an event of each token that was given, and waits for those that are being made', async () => {
    for (const [tenant_id, id, state] of [
      ['ten', 'a', 'released'],
      ['ten', 'b', 'pending'],
      ['ten', 'c', 'refused'],
      ['ten', 'd', 'watched'],
      ['two', 'e', 'revoked'],
    ]) {
      await sql.insert('grants', { tenant_id, id, state, space_id: 'spc' });
      await sql.insert('untold_grants', { tenant_id, grant_id: id });
    }
    expect(await tell(1)).toBe(1);
    expect(await told()).toEqual(['ten a']);
    expect(await tell()).toBe(3);
    expect((await told()).toSorted()).toEqual(['ten a', 'ten d', 'two e']);
    expect(await untold()).toEqual(['ten b']);
    await sql.query(`update grants set state = 'released' where id = 'b'`);
    expect(await tell()).toBe(1);
    expect(await told()).toContain('ten b');
    expect(await tell()).toBe(0);
  });
});
