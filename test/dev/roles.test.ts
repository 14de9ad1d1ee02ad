import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import pg from 'pg';

import { DataDir } from '../../dev/data-dir.ts';
import { makeDatabase, inspectRoles, servingUrl } from '../../dev/roles.ts';
import { UserError } from '../../dev/user-error.mjs';
import { migrate } from '../../src/database/migrate.ts';
import { assertServable } from '../../src/database/serving-role.ts';
import { postgresUrl } from '../support/shared.ts';

const superuser = await postgresUrl();
const unique = () => `start_${crypto.randomUUID().slice(0, 8)}`;

let data: DataDir;
beforeEach(() => (data = new DataDir(mkdtempSync(path.join(os.tmpdir(), 'stagedoor-data-')))));
afterEach(() => {
  data.release();
  rmSync(data.folder, { recursive: true });
});

async function sql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/**
 * A database and its owner, as a managed Postgres gives them out. Roles belong to the whole server and are made by the
 * first migration on it, here another test's: from then on an owner has to be given the right to hand them on.
 */
async function makeOwned(owner: string): Promise<void> {
  await makeDatabase(superuser, owner, 'pw');
  for (const role of ['stagedoor_app', 'stagedoor_crossing']) {
    await sql(
      superuser,
      `do $$ begin create role ${role}; exception when duplicate_object or unique_violation then null; end $$;
       grant ${role} to ${owner} with admin option`,
    );
  }
}

function as(url: string, user: string, database = user): string {
  return Object.assign(new URL(url), { username: user, password: 'pw', pathname: `/${database}` }).href;
}

async function mayServe(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  try {
    await assertServable(pool);
  } finally {
    await pool.end();
  }
}

describe('npm start with a DATABASE_URL', () => {
  it('of a superuser migrates as it and serves as a role of its own, the same one at the next start', async () => {
    const name = unique();
    await sql(superuser, `create database ${name}`);
    const databaseUrl = Object.assign(new URL(superuser), { pathname: `/${name}` }).href;

    const urls = [];
    for (let start = 0; start < 2; start++) {
      const found = await inspectRoles({ databaseUrl });
      expect(found).toMatchObject({ ownerUrl: databaseUrl, mayServe: false });
      await migrate(found.ownerUrl!);
      urls.push(await servingUrl({ databaseUrl }, found, data));
    }
    expect(urls[0]).toBe(urls[1]);
    expect(new URL(urls[0]!).username).toMatch(/^stagedoor_service_[0-9a-f]{8}$/);
    await mayServe(urls[0]!);
  });

  it('of the owner of an empty database does the same', async () => {
    const name = unique();
    await makeOwned(name);
    const databaseUrl = as(superuser, name);
    const found = await inspectRoles({ databaseUrl });
    await migrate(found.ownerUrl!);
    await mayServe(await servingUrl({ databaseUrl }, found, data));
  });

  it('of a plain role serves as that role, once the owner given beside it has migrated', async () => {
    const [owner, plain] = [unique(), unique()];
    await makeOwned(owner);
    await sql(superuser, `create role ${plain} login password 'pw'`);
    const given = { databaseUrl: as(superuser, plain, owner), ownerUrl: as(superuser, owner) };
    const found = await inspectRoles(given);
    await migrate(found.ownerUrl!);
    expect(await servingUrl(given, found, data)).toBe(given.databaseUrl);
    await mayServe(given.databaseUrl);
  });

  it('of a plain role on a database without tables says what to set', async () => {
    const [owner, plain] = [unique(), unique()];
    await makeOwned(owner);
    await sql(superuser, `create role ${plain} login password 'pw'`);
    await expect(inspectRoles({ databaseUrl: as(superuser, plain, owner) })).rejects.toThrow(/DATABASE_OWNER_URL=/);
  });

  it('that nothing answers at says where and as whom, and not the password', async () => {
    const failure = await inspectRoles({ databaseUrl: 'postgresql://someone:secret-word@127.0.0.1:1/none' }).catch(
      (error: unknown) => error as Error,
    );
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as UserError).message).toMatch(/127\.0\.0\.1:1 as someone \(.*ECONNREFUSED.*Remedy/);
    expect((failure as UserError).message).not.toContain('secret-word');
  });
});

describe('a DATA_DIR', () => {
  it('serves one start at a time, and the next one when that was killed', () => {
    expect(() => new DataDir(data.folder)).toThrow(/in use by another npm start \(process \d+\)\. Remedy/);
    data.release();
    data = new DataDir(data.folder);
  });

  it('keeps secrets that only its owner may read', async () => {
    const { statSync } = await import('node:fs');
    const secret = data.secret('operator-token');
    expect(secret.length).toBeGreaterThanOrEqual(32);
    expect(data.secret('operator-token')).toBe(secret);
    expect(statSync(data.path('secrets', 'operator-token')).mode & 0o777).toBe(0o600);
    expect(statSync(data.path('secrets')).mode & 0o777).toBe(0o700);
  });
});
