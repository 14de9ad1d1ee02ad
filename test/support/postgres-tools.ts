/** A Postgres of the machine with pg_dump and pg_restore, for tests of backups. The embedded one comes without them. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { type Postgres, startPostgres } from '../../dev/postgres.ts';
import { functionSet } from '../../src/database/function-set.ts';
import { migrate } from '../../src/database/migrate.ts';
import type { TestDatabase } from './database.ts';

const programs = ['initdb', 'postgres', 'pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];

/** The folder of the newest Postgres that has all programs and that Stagedoor works with; undefined: there is none. */
export const postgresFolder = globSync('/usr/lib/postgresql/*')
  .filter((folder) => Number(path.basename(folder)) >= 15)
  .filter((folder) => programs.every((name) => existsSync(path.join(folder, 'bin', name))))
  .toSorted((one, other) => Number(path.basename(other)) - Number(path.basename(one)))[0];

/** A server that backups are made of, or that one is restored on. */
export class BackedUpPostgres {
  private constructor(private readonly server: Postgres) {}

  static async start(): Promise<BackedUpPostgres> {
    const dataDir = path.join(os.tmpdir(), `stagedoor-backup-${randomUUID()}`);
    return new BackedUpPostgres(await startPostgres({ dataDir, durable: false, native: postgresFolder }));
  }

  /** A migrated database, with the roles of a deployment. */
  async migrated(): Promise<TestDatabase> {
    const superuser = await this.connect('postgres');
    await superuser.query(`create role stagedoor_owner login createrole password 'test'`);
    await superuser.query('create database stagedoor owner stagedoor_owner');
    await migrate(this.server.url('stagedoor', 'stagedoor_owner', 'test'));
    await superuser.query(`create role stagedoor_service login password 'test' in role stagedoor_app`);
    await superuser.end();
    return this.database();
  }

  /** Runs a program of this Postgres as the superuser of the server. @returns what it prints. */
  async run(program: string, ...args: string[]): Promise<string> {
    const isOfServer = program === 'pg_dumpall' || program === 'psql'; // the others are about the database
    const url = this.server.url(isOfServer ? 'postgres' : 'stagedoor');
    const { stdout } = await promisify(execFile)(
      path.join(postgresFolder ?? '', 'bin', program),
      [`--dbname=${url}`, ...args],
      { maxBuffer: 100_000_000 },
    );
    return stdout;
  }

  async createEmpty(): Promise<void> {
    const superuser = await this.connect('postgres');
    await superuser.query('create database stagedoor owner stagedoor_owner');
    await superuser.end();
  }

  /** The database `stagedoor` of this server. */
  database(): TestDatabase {
    const superuserUrl = this.server.url('stagedoor');
    return {
      name: 'stagedoor',
      serviceUrl: this.server.url('stagedoor', 'stagedoor_service', 'test'),
      ownerUrl: this.server.url('stagedoor', 'stagedoor_owner', 'test'),
      superuserUrl,
      query: async (sql, values) => {
        const client = await this.connect('stagedoor');
        try {
          return (await client.query(sql, values)).rows as Record<string, unknown>[];
        } finally {
          await client.end();
        }
      },
      drop: () => this.stop(),
    };
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  private async connect(database: string): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.server.url(database),
      options: `-c search_path=${functionSet.schema},public`,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
}
