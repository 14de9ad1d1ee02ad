/** Notes about users: who reads, writes and deletes them. */
import { limits } from '../../../src/limits.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
const keys: Record<string, Json> = {};

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  for (const [name, scope] of [
    ['ann', 'moderation:write'],
    ['ben', 'moderation:write'],
    ['reader', 'moderation:read'],
  ] as const) {
    const body = { name, scopes: [scope] };
    keys[name] = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
  }
});
afterAll(async () => {
  await stagedoor.stop();
});

const path = '/v1/users/eve%2F1/notes';
const as = (name: string) => keys[name]?.['key'] as string;
const write = (name: string, text: string): Promise<Answer> => stagedoor.post(path, as(name), { text });
const remove = (key: string, id: string): Promise<Answer> => stagedoor.request('DELETE', `${path}/${id}`, { as: key });

async function texts(): Promise<string[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get(path, as('reader')));
  return (data as Json[]).map(({ text }) => text as string);
}

test('a note is read by moderators, and deleted by its author or an admin alone', async () => {
  const first = await stagedoor.expect(201, write('ann', 'Warned 🎭'));
  expect(first).toEqual({
    id: expect.stringMatching(/^not_/),
    userId: 'eve/1',
    text: 'Warned 🎭',
    author: { kind: 'apiKey', id: keys['ann']?.['id'] },
    createdAt: expect.any(String),
  });
  const second = await stagedoor.expect(201, write('ben', 'Calm since'));
  expect(await texts()).toEqual(['Calm since', 'Warned 🎭']);
  const page = await stagedoor.expect(200, stagedoor.get(`${path}?limit=1`, as('reader')));
  const next = await stagedoor.expect(200, stagedoor.get(`${path}?cursor=${page['nextCursor']}`, as('reader')));
  expect([...page['data'], ...next['data']].map(({ id }: Json) => id)).toEqual([second['id'], first['id']]);

  expectProblem(await remove(as('ann'), second['id']), 'forbidden');
  expectProblem(await remove(as('reader'), first['id']), 'forbidden');
  await stagedoor.expect(204, remove(as('ann'), first['id']));
  expectProblem(await remove(as('ann'), first['id']), 'not_found');
  await stagedoor.expect(204, remove(tenant.key, second['id']));
  expect(await texts()).toEqual([]);

  await until(async () => {
    const { body } = await stagedoor.get('/v1/audit?userId=eve%2F1', tenant.key);
    const entries = body['data'] as Json[];
    const told = entries.map(({ action, subject }) => `${action} ${subject}`);
    return told.length === 4 && told[0] === `note.delete ${second['id']}` && !JSON.stringify(entries).includes('Calm');
  }, 'the audit log has all four acts, without what the notes said');
});

test('there are so many notes about a user, and no more', async () => {
  await stagedoor.database.query(
    `insert into user_notes (tenant_id, id, user_id, text, author)
     select $1, 'not_' || n, 'full', 'x', '{}' from generate_series(1, $2::int) n`,
    [tenant.id, limits.notesOfUser],
  );
  expectProblem(await stagedoor.post('/v1/users/full/notes', as('ann'), { text: 'one more' }), 'conflict');
  await stagedoor.expect(201, write('ann', 'about somebody else'));
});

test('a key that is bound to spaces reads and writes none: a note concerns the whole tenant', async () => {
  const space = await stagedoor.createSpace(tenant);
  const body = { name: 'bound', scopes: ['moderation:write'], spaceIds: [space['id']] };
  const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
  expectProblem(await stagedoor.get(path, key), 'forbidden');
  expectProblem(await stagedoor.post(path, key, { text: 'x' }), 'forbidden');
});
