import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../emulator/src/journal/journal.ts';
import { Cluster } from '../support/cluster.ts';
import { fullSize, inParallel, sized } from '../support/full-size.ts';
import { expectInvariants, openCalls } from '../support/invariants.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const commands = sized(60, 3_000);
const kills = sized(2, 90);

let cluster: Cluster;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  cluster = await Cluster.start(3);
  tenant = await cluster.at(0).createTenant();
  space = await cluster.at(0).createSpace(tenant, { defaultRole: 'viewer' });
});

afterAll(async () => {
  await cluster.stop();
});

/** The calls that IVS carried out, gathered before the journal forgets them. */
function gatherCalls(done: JournalEntry[]): () => void {
  let last = 0;
  const take = () => {
    const entries = cluster.ivs.journal({ after: last });
    last = entries.at(-1)?.id ?? last;
    done.push(
      ...entries.filter(({ status, operation }) => status === 200 && /SendEvent|DisconnectUser/.test(operation)),
    );
  };
  const timer = setInterval(take, 500);
  return () => {
    clearInterval(timer);
    take();
  };
}

/** What a call did, by which it is told from every other. */
function effectOf({ operation, input }: JournalEntry): string {
  const { eventName, userId } = input as Json;
  return `${operation} ${eventName ?? userId}`;
}

/** Sends one command; undefined if nobody answered, and then nobody was promised anything. */
async function command(n: number): Promise<string | undefined> {
  const service = cluster.at(n);
  const send =
    n % 3 === 0
      ? service.post('/v1/bans', tenant.key, { userId: `user-${n}` })
      : service.post(`/v1/spaces/${space['id']}/events`, tenant.key, { name: `event-${n}` });
  const answer = await send.catch(() => undefined);
  if (answer === undefined || answer.status >= 500) return undefined;
  if (answer.status >= 300) throw new Error(answer.text);
  return answer.body['id'] ?? answer.body['action'].id;
}

async function killInTurns(isOver: () => boolean): Promise<number> {
  let count = 0;
  while (!isOver() || count < kills) {
    const victim = cluster.at(count);
    const [spare] = await Promise.all([cluster.add(), sleep(300 + Math.random() * 700)]);
    await victim.kill();
    expect(spare.hasEnded).toBe(false);
    count += 1;
  }
  return count;
}

test('commands survive killed processes and a failing IVS: none is lost, few are done twice', async () => {
  // Whoever is banned holds a chat token, so that the ban has a call to make.
  await inParallel(Math.ceil(commands / 3), 8, async (n) => {
    const body = { userId: `user-${3 * n}` };
    await cluster.at(n).expect(201, cluster.at(n).post(`/v1/spaces/${space['id']}/chat-tokens`, tenant.key, body));
  });
  // More than one of four calls fails; one in a hundred is carried out and nobody learns of it. Each rule counts the
  // calls that those before it let pass.
  const each = (every: number, effect: Parameters<typeof cluster.ivs.fault>[0]['effect']) =>
    cluster.ivs.fault({ operation: '*', every, effect });
  const faults = [
    each(7, { error: 'InternalServerException' }),
    each(9, { throttle: true }),
    each(11, { reset: 'before' }),
    each(70, { reset: 'after' }),
  ];
  const done: JournalEntry[] = [];
  const stopGathering = gatherCalls(done);
  const accepted: string[] = [];
  let over = false;
  const killing = killInTurns(() => over);
  await inParallel(commands, 8, async (n) => {
    const id = await command(n);
    if (id !== undefined) accepted.push(id);
    await sleep(fullSize ? 150 : 20);
  });
  over = true;
  const killed = await killing;
  await until(async () => (await openCalls(cluster.database)) === 0, 'all calls are made');
  stopGathering();
  cluster.ivs.clearFaults();

  expect(killed).toBeGreaterThanOrEqual(kills);
  const struck = faults.reduce((sum, fault) => sum + fault.struck, 0);
  expect(struck / (faults[0]?.matched ?? 1)).toBeGreaterThanOrEqual(0.25);
  // Not one that was accepted is missing, and all that is on record was carried out.
  const recorded = await cluster.database.query('select id from actions');
  const ids = new Set(recorded.map(({ id }) => id));
  expect(accepted.filter((id) => !ids.has(id))).toEqual([]);
  const calls = await cluster.database.query(
    `select operation || ' ' || target as effect, count(*) filter (where state = 'done')::int as done,
            count(*) filter (where state <> 'done' and not follow_up)::int as undone
       from deliveries group by 1`,
  );
  const times = Map.groupBy(done, effectOf);
  const made = (effect: unknown) => times.get(String(effect))?.length ?? 0;
  expect(calls.filter(({ effect, undone }) => undone !== 0 || made(effect) === 0)).toEqual([]);
  const again = calls.filter((call) => made(call['effect']) > Number(call['done'])).length;
  expect(again / calls.length).toBeLessThanOrEqual(0.05);
  process.stdout.write(
    `${commands} commands, ${killed} kills, ${struck} injected faults: ${accepted.length} accepted, ${calls.length} calls on record, ${again} done twice\n`,
  );
  await expectInvariants(cluster);
});

test('another process takes over the work of a killed one when its lease of ten seconds is over', async () => {
  const userId = 'taken-over';
  const [first, second] = [cluster.at(0), cluster.at(1)];
  await first.expect(201, first.post(`/v1/spaces/${space['id']}/chat-tokens`, tenant.key, { userId }));
  const hang = cluster.ivs.fault({ operation: 'DisconnectUser', effect: { hang: true }, count: 1 });
  void first.post('/v1/bans', tenant.key, { userId }).catch(() => undefined);
  await until(() => hang.struck === 1, 'the call is at IVS');
  await first.kill();
  const leased = `select leased_until <= clock_timestamp() + interval '10 seconds' as soon from deliveries
                   where operation = 'DisconnectUser' and parameters ->> 'userId' = $1 and not follow_up and state = 'pending'`;
  expect(await cluster.database.query(leased, [userId])).toEqual([{ soon: true }]);
  await until(async () => (await openCalls(cluster.database)) === 0, 'another has made the call');
  expect(second.hasEnded).toBe(false);
});
