/** `end_answered_holds`, as a table: a hold, what a look has found, and whether that was the answer. */
import { limits } from '../../../src/limits.ts';
import { grantStates, holds, insertDelivery, insertHold, insertTwoTenants } from '../../support/moderation-rows.ts';
import { limitsWith, SqlSession } from '../../support/sql.ts';

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
/** The look has to be five seconds later than the end of the token. */
const given = limitsWith({ lookMarginSeconds: 5 });
const justLongEnough = '2029-12-31T23:59:54.999Z';
const notLongEnough = '2029-12-31T23:59:55.000Z';

const end = (connected: Row | null = {}, limitsGiven: Row = given) =>
  endStep(lookedAt, lookedAt, connected, limitsGiven);

/** What a step ends of a look that began at `since`; null: the look goes on. */
const endStep = (at: string, since: string | null, connected: Row | null = {}, limitsGiven: Row = given) =>
  sql.call('end_answered_holds', {
    tenant: 'ten',
    space: 'spc',
    lookedAt: at,
    since,
    connected,
    limits: limitsGiven,
  });

const hold = (row: Row = {}) =>
  insertHold(sql, {
    participant_id: 'part',
    expires_at: '2029-12-31T00:00:00Z',
    watch_from: '2029-12-31T00:00:00Z',
    ...row,
  });

const demoted = { watch_for: 'demoted' };

describe('end_answered_holds', () => {
  test.each<[string, Row, Row | null, boolean]>([
    ['the participant was not found', {}, { other: {} }, true],
    ['nobody was found', {}, {}, true],
    ['the participant was found before the clock was set back', { seen_at: '2030-01-01T01:00:00Z' }, {}, true],
    ['nothing is known of who is connected', {}, null, true],
    ['the participant was found', {}, { part: { userId: 'ann' } }, false],
    ['the grant has no participant', { participant_id: null }, { part: {} }, true],
    ['the token expired just long enough before the look', { expires_at: justLongEnough }, {}, true],
    ['the token expired less than that before the look', { expires_at: notLongEnough }, {}, false],
    ['the token had not expired', { expires_at: '2031-01-01T00:00:00Z' }, {}, false],
    ['the hold began just before the look', { watch_from: '2029-12-31T23:59:59.999Z' }, {}, true],
    ['the hold began at the time of the look', { watch_from: lookedAt }, {}, false],
    ['the hold began after the look', { watch_from: '2030-01-02T00:00:00Z' }, {}, false],
    ['a banned participant was not found', { watch_for: 'banned' }, {}, true],
    ['a banned participant was found', { watch_for: 'banned' }, { part: {} }, false],
    ['a banned participant was found, whatever they do', { watch_for: 'banned' }, { part: { exceeds: false } }, false],
    ['a demoted participant was not found', demoted, {}, true],
    ['a demoted participant was found and keeps to it', demoted, { part: { exceeds: false } }, true],
    ['a demoted participant was found and exceeds', demoted, { part: { exceeds: true } }, false],
    ['a demoted participant was found and not looked at', demoted, { part: {} }, false],
    ['the grant is for chat', { kind: 'chat' }, {}, false],
    ['the hold is of another space', { space_id: 'spc_beside' }, {}, false],
    ['the hold is of another action', { action_id: 'act_beside' }, {}, true],
  ])('%s', async (_, row, connected, ends) => {
    await hold(row);
    await end(connected);
    expect(await holds(sql)).toHaveLength(ends ? 0 : 1);
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
  });

  test.each<[string, Row, boolean]>([
    ['to make', {}, false],
    ['that IVS refuses', { state: 'stuck' }, false],
    ['that was made', { state: 'done' }, true],
    ['that has expired', { state: 'expired' }, true],
    ['to make for another action', { action_id: 'act_beside' }, false],
    ['to make about another grant', { grant_id: 'grt_beside' }, true],
  ])('a call about the grant %s', async (_, delivery, ends) => {
    await hold();
    await hold({ grant_id: 'grt_beside', participant_id: 'inside' });
    await insertDelivery(sql, { grant_id: 'grt', ...delivery });
    await end({ inside: {} });
    expect(await holds(sql)).toEqual(ends ? ['grt_beside act gone'] : ['grt act gone', 'grt_beside act gone']);
  });

  const later = '2030-01-01T01:00:00.000Z';
  test.each<[string, Row, string | null, Row, boolean]>([
    ['the participant was not found, and the look goes on', {}, null, {}, false],
    ['the participant was not found, and the look ends', {}, lookedAt, {}, true],
    ['an earlier step of the look has found the participant', { seen_at: lookedAt }, lookedAt, {}, false],
    ['a step of an earlier look has found the participant', { seen_at: notLongEnough }, lookedAt, {}, true],
    ['the token expired after the look began', { expires_at: '2030-01-01T00:30:00Z' }, lookedAt, {}, false],
    ['the hold began after the look', { watch_from: '2030-01-01T00:30:00Z' }, lookedAt, {}, false],
    ['a demoted participant keeps to it, and the look goes on', demoted, null, { part: { exceeds: false } }, true],
    ['a demoted participant exceeds, and the look goes on', demoted, null, { part: { exceeds: true } }, false],
    ['a demoted participant was not found, and the look goes on', demoted, null, {}, false],
  ])('in a look of several steps: %s', async (_, row, since, connected, ends) => {
    await hold(row);
    await endStep(later, since, connected);
    expect(await holds(sql)).toHaveLength(ends ? 0 : 1);
  });

  test('ends the holds of several actions on one grant, and none of another tenant', async () => {
    await hold();
    await hold({ action_id: 'act_beside' });
    await hold({ tenant_id: 'ten_other' });
    await end();
    expect(await holds(sql)).toEqual([]);
    expect(await sql.query('select tenant_id from holds')).toEqual([{ tenant_id: 'ten_other' }]);
  });

  test('raises an error if the limit is missing', async () => {
    await expect(end({}, { ...limits, lookMarginSeconds: null })).rejects.toThrow(
      'the limit lookMarginSeconds was not passed',
    );
  });

  test.each<[string, Row, Row]>([
    ['whose participants were not found', {}, {}],
    ['of demoted participants who keep to it', demoted, { part: { exceeds: false } }],
  ])('ends no more holds %s at once than the limit, and goes on the next time', async (_, row, connected) => {
    for (const grant_id of ['grt_1', 'grt_2', 'grt_3']) await hold({ grant_id, ...row });
    const left: number[] = [];
    for (let n = 0; n < 3; n++) {
      await end(connected, limitsWith({ lookMarginSeconds: 5, cancelledAtOnce: 2 }));
      left.push((await holds(sql)).length);
    }
    expect(left).toEqual([1, 0, 0]);
  });
});
