/** The round trips to Postgres of a ban. While vends storm, each takes as long as the event loop is late. */
import type pg from 'pg';
import { CredentialDatabase, Database, ModerationDatabase, ReadDatabase } from '../../src/database/database.ts';
import { currentRequest } from '../../src/request-context.ts';
import { Stagedoor } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;
/** What was sent to Postgres for each request, in order, by the id of the request. */
const sent = new Map<string, string[]>();

/** Notes what the connections of a pool send for requests. Each query waits for its answer, so each is a round trip. */
function noteQueries({ pool }: { pool: pg.Pool }): void {
  const noted = new WeakSet<pg.PoolClient>();
  pool.on('acquire', (client) => {
    if (noted.has(client)) return;
    noted.add(client);
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const note = (...args: unknown[]) => {
      const [asked] = args as [string | { text: string }];
      const request = currentRequest()?.requestId;
      if (request)
        sent.set(request, [...(sent.get(request) ?? []), nameOf(typeof asked === 'string' ? asked : asked.text)]);
      return query(...args);
    };
    Object.assign(client, { query: note });
  });
}

/** The SQL function that a query calls, or the query itself. */
function nameOf(text: string): string {
  return /^select \* from \w+\.(\w+)\(/.exec(text)?.[1] ?? text;
}

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  for (const one of [Database, ModerationDatabase, ReadDatabase, CredentialDatabase]) {
    noteQueries(stagedoor.app.get(one, { strict: false }));
  }
});

afterAll(() => stagedoor.stop());

test('a ban by an API key or a moderator is decided and recorded in one round trip, and read in one', async () => {
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant);
  const moderator = await tenant.issuer.token('mod', { role: 'moderator' });
  for (const as of [tenant.key, moderator]) {
    let trips: string[] = [];
    // The first request of a caller looks up the credential too, and a busy database makes an act come again.
    for (let tries = 0; tries < 5 && trips.length !== 3; tries++) {
      const { status, headers } = await stagedoor.post('/v1/bans', as, { userId: 'troll', spaceId: space['id'] });
      expect(status).toBe(201);
      const all = sent.get(headers.get('x-request-id') ?? '') ?? [];
      // The commit wakes the work that numbers events. No request waits for it.
      trips = all.filter((name) => name !== 'number_events');
    }
    expect(trips).toEqual(['create_ban', 'lease_deliveries', 'shown_action']);
  }
});
