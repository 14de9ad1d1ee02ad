import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Postgres, startPostgres } from '../../dev/postgres.ts';
import { asSuperuser, createDatabaseOn, type TestDatabase } from './database.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

/**
 * Two servers of Postgres, the second a streaming standby of the first. A commit waits until the standby has it on disk. The
 * service reaches the primary by an address that leads to another server after a failover, as a balancer does.
 */
export class PostgresPair {
  private constructor(
    private primary: Postgres,
    readonly standby: Postgres,
    /** The address that the service has. */
    readonly address: TcpProxy,
    /** The line from the standby to the primary. */
    readonly replication: TcpProxy,
    /** A migrated database with the two roles, reached by the address. */
    readonly database: TestDatabase,
  ) {}

  static async start(): Promise<PostgresPair> {
    const dataDir = path.join(os.tmpdir(), `stagedoor-test-${randomUUID()}`);
    const primary = await startPostgres({ dataDir, durable: false });
    const [address, replication] = await Promise.all([1, 2].map(() => TcpProxy.start('127.0.0.1', primary.port)));
    if (!address || !replication) throw new Error('there is no line');
    const reachedAt = `postgresql://postgres@127.0.0.1:${address.port}/postgres`;
    const database = await createDatabaseOn(primary.url('postgres'), reachedAt);
    const copy = `${primary.dataDir}-standby`;
    await asSuperuser('postgres', (client) => copyTo(copy, primary.dataDir, client), primary.url('postgres'));
    const owner = statSync(copy);
    writeFileSync(path.join(copy, 'standby.signal'), '');
    chownSync(path.join(copy, 'standby.signal'), owner.uid, owner.gid);
    appendFileSync(
      path.join(copy, 'postgresql.auto.conf'),
      `primary_conninfo = 'host=127.0.0.1 port=${replication.port} user=postgres application_name=standby'
wal_retrieve_retry_interval = '100ms'
`,
    );
    const standby = await startPostgres({ dataDir: copy, durable: false });
    const pair = new PostgresPair(primary, standby, address, replication, database);
    await pair.commitOnBoth();
    return pair;
  }

  /** The port of the server that was the primary at first. */
  get primaryPort(): number {
    return this.primary.port;
  }

  /** Runs statements on the primary, without the address. */
  async askPrimary(...statements: string[]): Promise<void> {
    await ask(this.primary, statements);
  }

  /** Restarts the primary in the ordinary way: it ends all connections, closes its data, and starts anew. */
  async restartPrimary(): Promise<void> {
    const { dataDir, port } = this.primary;
    process.kill(Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT');
    await this.primary.exited;
    this.primary = await startPostgres({ dataDir, port, durable: false });
    if (this.primary.port !== port) throw new Error(`another process took the port ${port}`);
  }

  /** The primary fails for good, and the standby takes its place. The address leads there. */
  async failOver(): Promise<void> {
    await this.primary.stop(); // at once, in the middle of what it does
    await ask(this.standby, ['select pg_promote()']);
    this.address.leadTo('127.0.0.1', this.standby.port);
  }

  async stop(): Promise<void> {
    await Promise.all([this.primary.stop(), this.standby.stop()]);
    await Promise.all([this.address.stop(), this.replication.stop()]);
  }

  private async commitOnBoth(): Promise<void> {
    // The servers of tests start with synchronous_commit off. The setting of the database comes before that.
    await this.askPrimary(
      `alter database ${this.database.name} set synchronous_commit = on`,
      `alter system set synchronous_standby_names = 'standby'`,
      'select pg_reload_conf()',
    );
    const streams = `select from pg_stat_replication where sync_state = 'sync'`;
    await until(async () => (await ask(this.primary, [streams])).length === 1, 'the standby streams');
  }
}

/** Runs statements as the superuser of a server. Returns the rows of the last one. */
async function ask(server: Postgres, statements: string[]): Promise<unknown[]> {
  let rows: unknown[] = [];
  await asSuperuser(
    'postgres',
    async (client) => {
      // oxlint-disable-next-line no-await-in-loop -- one connection runs one statement at a time
      for (const statement of statements) ({ rows } = await client.query(statement));
    },
    server.url('postgres'),
  );
  return rows;
}

/** Copies the data of a server that runs, as its documentation says in “Making a Base Backup Using the Low Level API”. */
async function copyTo(
  copy: string,
  dataDir: string,
  client: { query(sql: string): Promise<{ rows: unknown[] }> },
): Promise<void> {
  await client.query(`select pg_backup_start('standby', true)`);
  execFileSync('cp', ['-a', dataDir, copy]);
  const { rows } = await client.query('select labelfile from pg_backup_stop(false)');
  for (const name of ['postmaster.pid', 'postmaster.opts', 'stagedoor.port']) {
    rmSync(path.join(copy, name), { force: true });
  }
  const { uid, gid } = statSync(copy);
  const label = path.join(copy, 'backup_label');
  writeFileSync(label, (rows[0] as { labelfile: string }).labelfile);
  chownSync(label, uid, gid);
}
