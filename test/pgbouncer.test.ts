/** The service behind a connection pooler that gives each transaction another connection. */
import pg from 'pg';
import { Database, ModerationDatabase } from '../src/database/database.ts';
import { asSuperuser, createDatabase, type TestDatabase } from './support/database.ts';
import { inParallel } from './support/full-size.ts';
import { PgBouncer, pgbouncer } from './support/pgbouncer.ts';
import { Stagedoor } from './support/stagedoor.ts';
import { until } from './support/until.ts';

// CI has it: there it must not be skipped.
const describeWhereFound = pgbouncer || process.env['CI'] === 'true' ? describe : describe.skip;

/** Bounds the statements of the serving role, in this database only: tests share the role. */
async function setTimeouts({ name, serviceUrl }: TestDatabase, statement: string, idle: string): Promise<void> {
  const role = new URL(serviceUrl).username;
  await asSuperuser('postgres', async (client) => {
    await client.query(`alter role ${role} in database ${name} set statement_timeout = '${statement}'`);
    await client.query(`alter role ${role} in database ${name} set idle_in_transaction_session_timeout = '${idle}'`);
  });
}

describeWhereFound('behind PgBouncer in transaction mode', () => {
  const bouncers: PgBouncer[] = [];

  async function startBouncer(database: TestDatabase, settings: string[] = []): Promise<PgBouncer> {
    const bouncer = await PgBouncer.start(database.serviceUrl, 3, settings);
    bouncers.push(bouncer);
    return bouncer;
  }

  const services: Stagedoor[] = [];

  async function startService(database: TestDatabase, bouncer: PgBouncer): Promise<Stagedoor> {
    const service = await Stagedoor.start({ DATABASE_URL: bouncer.url }, {}, database);
    services.push(service);
    return service;
  }

  afterAll(async () => {
    await Promise.all(services.map((service) => service.stop()));
    await Promise.all(bouncers.map((bouncer) => bouncer.stop()));
  });

  it.each([
    ['refuses', []],
    ['ignores', ['ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout']],
  ])('the service does not start without time limits, if PgBouncer %s those of the connection', async (_what, ini) => {
    const database = await createDatabase();
    const bouncer = await startBouncer(database, ini);
    await setTimeouts(database, '3s', '1500ms');
    const start = Stagedoor.start({ DATABASE_URL: bouncer.url }, {}, database);
    await expect(start).rejects.toThrow(/alter role "stagedoor_test_service" set statement_timeout = '2s';.*RECONNECT/);
    await expect(start).rejects.not.toThrow(/idle_in_transaction/);
    await database.drop();
  });

  it('the service works, no two transactions mix, and its time limits hold', async () => {
    const database = await createDatabase();
    await setTimeouts(database, '2s', '1500ms');
    const bouncer = await startBouncer(database);
    const stagedoor = await startService(database, bouncer);
    const tenants = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
    const spaces = await Promise.all(tenants.map((tenant) => stagedoor.createSpace(tenant)));

    await inParallel(30, 12, async (n) => {
      const { key } = tenants[n % 2]!;
      const space = spaces[n % 2]!['id'];
      const userId = `user-${n}`;
      const joined = await stagedoor.post(`/v1/spaces/${space}/join`, key, { userId });
      expect([joined.status, joined.text]).toEqual([201, joined.text]);
      const banned = await stagedoor.post('/v1/bans', key, { userId, spaceId: space });
      expect([banned.status, banned.text]).toEqual([201, banned.text]);
      const refused = await stagedoor.post(`/v1/spaces/${space}/join`, key, { userId });
      expect(refused.status).toBe(403);
    });
    for (const [n, { key }] of tenants.entries()) {
      const { data } = (await stagedoor.get('/v1/bans?limit=100', key)).body;
      expect(data.map((ban: { userId: string }) => Number(ban.userId.slice(5)) % 2)).toEqual(Array(15).fill(n));
    }
    await until(async () => {
      const open = await database.query(
        `select 1 from deliveries where state in ('pending', 'stuck') and next_at < now()`,
      );
      return open.length === 0;
    }, 'all calls to IVS are made');

    for (const { pool } of [stagedoor.app.get(Database), stagedoor.app.get(ModerationDatabase)]) {
      await expect(pool.query('select pg_sleep(60)')).rejects.toThrow(/statement timeout/);
    }
  });

  it('a connection that stands still in a transaction is closed, and its locks with it', async () => {
    const database = await createDatabase();
    await setTimeouts(database, '2s', '500ms');
    const bouncer = await startBouncer(database);
    await startService(database, bouncer);
    const client = new pg.Client({ connectionString: bouncer.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock(1, 1)');
    await until(async () => {
      const held = await database.query(
        `select 1 from pg_locks where locktype = 'advisory' and objid = 1 and classid = 1`,
      );
      return held.length === 0;
    }, 'the lock is free');
    await expect(client.query('select 1')).rejects.toThrow();
    await client.end().catch(() => undefined);
  });
});
