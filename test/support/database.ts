import { randomUUID } from 'node:crypto';
import { clearTimeout, setTimeout } from 'node:timers'; // not those of the globals, which some tests play with
import pg from 'pg';
import { functionSet } from '../../src/database/function-set.ts';
import { migrate } from '../../src/database/migrate.ts';
import { secretSearch } from './secret-search.ts';
import { postgresUrl } from './shared.ts';

const server = await postgresUrl();

const template = 'stagedoor_template';
const ownerRole = 'stagedoor_test_owner';
const servingRole = 'stagedoor_test_service';
const password = 'test';

/** A database of a test's own, migrated, with the two roles a real deployment has. */
export interface TestDatabase {
  name: string;
  /** As the service connects. */
  serviceUrl: string;
  /** As migrations connect. */
  ownerUrl: string;
  /** As somebody whom nothing holds back, to look at what is really there. */
  superuserUrl: string;
  /** Asks as that somebody. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Copies the migrated template; the first to ask in a run makes it. */
export async function createDatabase(): Promise<TestDatabase> {
  return await copyOf(template);
}

/** A database that nobody has migrated. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await copyOf('template1');
}

async function copyOf(original: string): Promise<TestDatabase> {
  const name = `stagedoor_${randomUUID().replaceAll('-', '')}`;
  await asSuperuser('postgres', async (client) => {
    // One at a time: a template cannot be copied while somebody is connected to it.
    await client.query('select pg_advisory_lock(1)');
    await ensureTemplate(client, server);
    await client.query(`create database ${name} template ${original} owner ${ownerRole}`);
  });
  return databaseAt(server, name);
}

/**
 * Makes a migrated database on a server that has none, with the two roles.
 * @param reachedAt the address under which the service and the test reach it, if that is another one.
 */
export async function createDatabaseOn(url: string, reachedAt = url): Promise<TestDatabase> {
  await asSuperuser('postgres', (client) => ensureTemplate(client, url), url);
  return databaseAt(reachedAt, template);
}

function databaseAt(url: string, name: string): TestDatabase {
  const looks = new Looks(name, url);
  return {
    name,
    serviceUrl: urlOf(url, name, servingRole),
    ownerUrl: urlOf(url, name, ownerRole),
    superuserUrl: withFunctions(superuserUrl(url, name)),
    query: (sql, values) => looks.query(sql, values),
    async drop() {
      await searchForSecrets(name, url);
      await looks.end();
      await asSuperuser('postgres', (client) => client.query(`drop database if exists ${name} with (force)`), url);
    },
  };
}

/** Runs `work` connected as the superuser of the run's Postgres, or of another one. */
export async function asSuperuser<T>(
  database: string,
  work: (client: pg.Client) => Promise<T>,
  url = server,
): Promise<void> {
  const client = await connectAsSuperuser(database, url);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function connectAsSuperuser(database: string, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: withFunctions(superuserUrl(url, database)) });
  // A connection that breaks fails the statement. Without a listener its error would end the test, too.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/**
 * The statements by which a test looks into a database, each in a transaction of its own. A test that waits for something looks many
 * times, and to connect costs Postgres more than most statements. So a connection is kept for the next one for a moment. Statements
 * that run at the same time have one each.
 */
class Looks {
  private static readonly keptMs = 1_000;
  private kept: { client: pg.Client; timer: NodeJS.Timeout } | undefined;

  constructor(
    private readonly name: string,
    private readonly url: string,
  ) {}

  async query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    const client = this.take() ?? (await this.connect());
    try {
      const { rows } = await client.query(sql, values);
      await this.keep(client);
      return rows;
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  /** Leaves no connection behind. */
  async end(): Promise<void> {
    await this.take()?.end();
  }

  private async connect(): Promise<pg.Client> {
    const client = await connectAsSuperuser(this.name, this.url);
    client.once('end', () => {
      if (this.kept?.client === client) this.take();
    });
    return client;
  }

  private take(): pg.Client | undefined {
    const { kept } = this;
    this.kept = undefined;
    clearTimeout(kept?.timer);
    if (kept) socketOf(kept.client).ref();
    return kept?.client;
  }

  /** A server that a test stops and starts breaks its connections: there, none is kept. */
  private async keep(client: pg.Client): Promise<void> {
    if (this.kept !== undefined || this.url !== server) return await client.end();
    const timer = setTimeout(() => void this.end(), Looks.keptMs).unref();
    socketOf(client).unref(); // it keeps nobody from ending
    this.kept = { client, timer };
  }
}

/** The types of pg leave it out. */
function socketOf(client: pg.Client): { ref(): void; unref(): void } {
  return client as pg.Client & { ref(): void; unref(): void };
}

/** Newest and oldest rows of a table are alike. So many are searched. */
const mostRows = 300;

/**
 * Hands some rows of every table to the search for secrets, bytes as text. A table that a test holds locked is left out, and so
 * is a database that cannot be reached.
 */
async function searchForSecrets(name: string, url: string): Promise<void> {
  const search = async (client: pg.Client) => {
    await client.query('set lock_timeout = 500');
    const { rows: tables } = await client.query<{ named: string }>(
      `select string_agg(format('select %L as "table", t::text as row from (select * from %s limit ${mostRows}) t', oid::regclass, oid::regclass), ' union all ') as named
         from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    );
    const [{ named } = { named: '' }] = tables;
    if (!named) return;
    const { rows } = await client.query<{ table: string; row: string }>(named);
    for (const { table, row } of rows) {
      const bytes = [...row.matchAll(/\\x([0-9a-f]+)/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString('latin1'),
      );
      secretSearch.read(`table ${table}`, [row, ...bytes].join('\n'));
    }
  };
  await asSuperuser(name, search, url).catch(() => undefined);
}

async function ensureTemplate(client: pg.Client, url: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
  if (rowCount) return;
  await client.query(`create role ${ownerRole} login createrole password '${password}'`);
  await client.query(`create database ${template} owner ${ownerRole}`);
  await migrate(urlOf(url, template, ownerRole));
  await client.query(`create role ${servingRole} login password '${password}' in role stagedoor_app`);
}

function urlOf(address: string, database: string, role: string): string {
  const url = new URL(superuserUrl(address, database));
  url.username = role;
  url.password = password;
  return url.href;
}

/** Statements of a test may name the functions of the set without its schema. */
function withFunctions(address: string): string {
  const url = new URL(address);
  url.searchParams.set('options', `-c search_path=${functionSet.schema},public`);
  return url.href;
}

function superuserUrl(address: string, database: string): string {
  const url = new URL(address);
  url.pathname = `/${database}`;
  return url.href;
}
