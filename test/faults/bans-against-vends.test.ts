import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '../support/cluster.ts';
import { inParallel, sized } from '../support/full-size.ts';
import { expectInvariants } from '../support/invariants.ts';
import type { Answer, Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const pairs = sized(100, 10_000);

/** One of so many uses their token: IVS lets Stagedoor disconnect five participants a second. */
const oneJoinsOf = sized(5, 50);

let cluster: Cluster;
let tenant: TestTenant;
let space: Json;
/** Tenants that ban nobody, each with its space. There are more than calls at the database, so a call is for several. */
let neighbors: [TestTenant, Json][];

beforeAll(async () => {
  cluster = await Cluster.start(3);
  const [own, ...foreign] = await Promise.all(
    Array.from({ length: 5 }, async (): Promise<[TestTenant, Json]> => {
      const one = await cluster.at(0).createTenant();
      return [one, await cluster.at(0).createSpace(one, { defaultRole: 'speaker' })];
    }),
  );
  if (!own) throw new Error('there is no tenant');
  [tenant, space] = own;
  neighbors = foreign;
});

afterAll(async () => {
  await cluster.stop();
});

/** Mean time of a vend here, in milliseconds. A ban that comes somewhere in so long a time can come before a vend or after it. */
let vendMs = 30;

/** Asks for a token, and learns how long that takes. */
async function vend(n: number, userId: string, [{ key }, { id }] = [tenant, space]): Promise<Answer> {
  const begun = performance.now();
  const answer = await cluster.at(n).once.post(`/v1/spaces/${id}/stage-tokens`, key, { userId });
  vendMs += (performance.now() - begun - vendMs) / 50;
  return answer;
}

/** Others ask for tokens beside each user, at the same process: so vends go to the database in groups. */
const beside = 1;

/**
 * A new user asks for a token and is banned at the same time, each at another process. Nobody bans those beside them, who
 * get their tokens. Neither does anybody ban the users of the same name at other tenants, who go to the database with them.
 */
async function race(
  n: number,
  mint: string,
): Promise<{ vend: Answer; late: boolean; after: Answer; others: Answer[] }> {
  const userId = `${mint}-${n}`;
  const others = [
    ...Array.from({ length: beside }, (_, nth) => vend(n, `beside-${mint}-${n}-${nth}`)),
    ...neighbors.map((neighbor) => vend(n, userId, neighbor)),
  ];
  let banAnswered = Infinity;
  let vendAnswered = 0;
  const vending = sleep(n % 3 === 0 ? Math.random() * vendMs : 0).then(async () => {
    const answer = await vend(n, userId);
    vendAnswered = performance.now();
    if (answer.status === 201 && n % oneJoinsOf === 0) cluster.ivs.join(answer.body['token']);
    return answer;
  });
  const banning = sleep(n % 3 === 0 ? 0 : Math.random() * 2 * vendMs).then(async () => {
    await cluster.at(n + 1).expect(201, cluster.at(n + 1).post('/v1/bans', tenant.key, { userId }));
    banAnswered = performance.now();
  });
  const [vended] = await Promise.all([vending, banning]);
  const after = await cluster.at(n + 2).post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId });
  const late = vended.status === 201 && vendAnswered > banAnswered;
  return { vend: vended, late, after, others: await Promise.all(others) };
}

/** Numbers of vends that were decided in groups, of their calls, and of the tenants in those calls, in all processes. */
async function inGroups(): Promise<{ vends: number; calls: number; tenants: number }> {
  const texts = await Promise.all(cluster.services.map(async (service) => (await service.get('/metrics')).text));
  const sum = (name: string) =>
    texts
      .map((text) => new RegExp(`^stagedoor_vend_group_${name}\\{step="admit"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
      .reduce<number>((all, one) => all + Number(one), 0);
  return { vends: sum('size_sum'), calls: sum('size_count'), tenants: sum('tenants_sum') };
}

describe.each(['ivs', 'key-pair'])('bans and vends at once, tokens made by %s', (mint) => {
  test('no token is given after the ban, and every token given before it has its disconnection', async () => {
    if (mint === 'key-pair') {
      // IVS has room for three key pairs. The tokens of the other tenants are made by IVS.
      const signing = [tenant, ...neighbors.slice(0, 2).map(([one]) => one)];
      const made = signing.map(({ key }) => cluster.at(0).post('/v1/signing-keys', key));
      await Promise.all(made.map((one) => cluster.at(0).expect(201, one)));
    }
    const vends: Answer[] = [];
    const refused: number[] = [];
    const others: number[] = [];
    let late = 0;
    const before = await inGroups();
    await inParallel(mint === 'ivs' ? pairs : pairs / 2, 12, async (n) => {
      const result = await race(n, mint);
      vends.push(result.vend);
      refused.push(result.after.status);
      others.push(...result.others.map(({ status }) => status));
      if (result.late) late += 1;
    });
    const released = vends.filter(({ status }) => status === 201);
    const stopped = vends.filter(({ body }) => body['code'] === 'banned');
    // Both must have come about, or nothing was raced.
    expect(released.length).toBeGreaterThan(0);
    expect(stopped.length).toBeGreaterThan(0);
    // A busy service turned the rest away, and gave them nothing.
    const busy = vends.filter(({ status }) => status === 503);
    expect(released.length + stopped.length + busy.length).toBe(vends.length);
    expect(new Set(refused)).toEqual(new Set([403]));
    let after = before;
    const more = (what: keyof typeof after) => after[what] - before[what];
    await until(async () => {
      await Promise.all(neighbors.flatMap((one) => ['x', 'y'].map((name) => vend(0, `${name}-${mint}`, one))));
      after = await inGroups();
      return more('tenants') > more('calls');
    }, 'vends of several tenants were decided in one call');
    process.stdout.write(
      `${vends.length} pairs (${mint}): ${released.length} released, ${stopped.length} stopped by the ban, ${busy.length} turned away, ${more('vends')} vends of ${more('tenants')} tenants in ${more('calls')} calls\n`,
    );
    expect({ late }).toEqual({ late: 0 });
    expect(new Set(others.filter((status) => status !== 503))).toEqual(new Set([201]));
    expect(new Set(released.map(({ body }) => body['mint']))).toEqual(new Set([mint]));

    const granted = await cluster.database.query(
      `select id, participant_id as participant from grants
        where tenant_id = '${tenant.id}' and user_id like '${mint}-%' and state in ('released', 'watched', 'revoked')`,
    );
    const byId = new Map(granted.map((row) => [row['id'], row['participant']]));
    for (const { body } of released) expect(byId.get(body['grantId'])).toBe(body['participantId']);
    await expectInvariants(cluster);
  });
});
