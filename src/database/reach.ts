import pg from 'pg';
import { DatabaseClock, readClock } from './database-clock.ts';
import { assertServable, assertTakesWrites, explainingConnectionErrors } from './serving-role.ts';

/** Longest run of a statement, in milliseconds. */
export const statementTimeoutMs = 2_000;

/**
 * A connection that stands still inside a transaction for longer is closed, in milliseconds. It may hold locks. The time is
 * shorter than that of a statement, so others that wait for a lock get it.
 */
const idleTimeoutMs = 1_500;

/** Parameters with which a connection starts. */
export const timeouts = {
  statement_timeout: statementTimeoutMs,
  idle_in_transaction_session_timeout: idleTimeoutMs,
};

/** The first connection may take longer than those of requests: a Postgres that has just started is slow. In milliseconds. */
const firstConnectionMs = 10_000;

/**
 * How the service reaches Postgres. A connection pooler in transaction mode, such as PgBouncer, gives each transaction another
 * connection of its own. So nothing lasts from one transaction to the next: no prepared statement, and no setting.
 */
export class Reach {
  constructor(
    readonly isPooled: boolean,
    readonly clock = new DatabaseClock(),
  ) {}

  /** The parameters with which each connection starts. PgBouncer refuses the time limits. The role has them then. */
  get parameters(): Partial<typeof timeouts> {
    return this.isPooled ? {} : timeouts;
  }
}

/**
 * Finds out how `databaseUrl` reaches Postgres, and checks that the service can serve from that database.
 * @param ask what is to be found out with the same connection, once the database can be served from.
 * @throws {Error} with a message of one line that names the remedy.
 */
export async function examine<Found = undefined>(
  databaseUrl: string,
  ask?: (client: pg.Client) => Promise<Found>,
): Promise<{ reach: Reach; found: Found }> {
  const client = await explainingConnectionErrors(() => connect(databaseUrl));
  try {
    const isPooled = await explainingConnectionErrors(() => isPooler(client));
    await assertTakesWrites(client);
    await assertServable(client);
    if (isPooled) await assertTimeouts(client);
    const reach = new Reach(isPooled);
    reach.clock.set(await readClock((sql) => client.query<{ ms: number }>(sql)));
    return { reach, found: (await ask?.(client)) as Found };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  try {
    return await connectWith(databaseUrl, timeouts);
  } catch (error) {
    if (!/unsupported startup parameter/.test(String(error))) throw error;
    return await connectWith(databaseUrl, {});
  }
}

async function connectWith(databaseUrl: string, parameters: Partial<typeof timeouts>): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: firstConnectionMs,
    query_timeout: firstConnectionMs,
    application_name: 'stagedoor start',
    ...parameters,
  });
  client.on('error', () => undefined); // the query that runs fails too
  await client.connect();
  return client;
}

/** Postgres tells each connection the number of its process. A pooler tells its clients a number of its own. */
async function isPooler(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid !== (client as unknown as { processID: number }).processID;
}

/**
 * Checks that the time limits hold behind a pooler.
 * @throws {Error} with a message that names the statement to run.
 */
async function assertTimeouts(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; ms: number }>(
    'select name, setting::int as ms from pg_settings where name = any ($1)',
    [Object.keys(timeouts)],
  );
  const missing = Object.entries(timeouts).filter(([name, most]) => {
    const ms = rows.find((row) => row.name === name)?.ms ?? 0;
    return ms === 0 || ms > most;
  });
  if (missing.length === 0) return;
  const role = client.escapeIdentifier(client.user ?? '');
  const statements = missing.map(([name, most]) => `alter role ${role} set ${name} = '${most / 1_000}s';`);
  throw new Error(
    `DATABASE_URL connects through a connection pooler, and ${missing.map(([name]) => name).join(' and ')} of the serving role must bound its statements. Run in Postgres: ${statements.join(' ')} Then run RECONNECT in PgBouncer.`,
  );
}
