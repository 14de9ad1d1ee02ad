/** The role that migrates the database and the role that serves. They differ: the service refuses a role that could bypass RLS. */
import pg from 'pg';

import type { DataDir } from './data-dir.ts';
import { reason, UserError } from './user-error.mjs';

/** Connection strings as the user gave them. */
export interface ConnectionStrings {
  databaseUrl: string;
  ownerUrl?: string | undefined;
}

/** What is known about the roles. */
export interface Roles {
  /** Connection string of the role that migrates; undefined if no role is known that may. */
  ownerUrl: string | undefined;
  /** Whether the role of DATABASE_URL may serve. */
  mayServe: boolean;
  /** Name of the role of DATABASE_URL. */
  role: string;
}

/** Finds out whether the role of DATABASE_URL could bypass row-level security and so must not serve. */
export async function inspectRoles({ databaseUrl, ownerUrl }: ConnectionStrings): Promise<Roles> {
  return await connected('DATABASE_URL', databaseUrl, async (client) => {
    const { rows } = await client.query<{ powerful: boolean; migrated: boolean; role: string }>(`
      select current_user as role,
        exists (select from pg_roles where (rolsuper or rolbypassrls) and pg_has_role(oid, 'member'))
        or exists (select from pg_database where datname = current_database() and pg_has_role(datdba, 'member'))
        or exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = 'public' and c.relkind in ('r', 'p') and pg_has_role(c.relowner, 'member'))
        as powerful,
        to_regclass('public._prisma_migrations') is not null as migrated`);
    const { powerful = false, migrated = false, role = '' } = rows[0] ?? {};
    const owner = ownerUrl ?? (powerful ? databaseUrl : undefined);
    if (!owner && !migrated)
      throw new UserError(
        `The database of DATABASE_URL has no tables yet, and ${role} may not make them. Remedy: DATABASE_OWNER_URL=<a role that owns the database> npm start`,
      );
    return { ownerUrl: owner, mayServe: !powerful, role };
  });
}

/**
 * The connection string to serve with, after migrating. It is DATABASE_URL, or that of a plain login role that the owner
 * makes here. Either role becomes a member of stagedoor_app, the group to which the migrations give the right to serve.
 */
export async function servingUrl({ databaseUrl }: ConnectionStrings, found: Roles, data: DataDir): Promise<string> {
  const { ownerUrl } = found;
  if (found.mayServe) {
    if (ownerUrl) await connected('DATABASE_OWNER_URL', ownerUrl, (client) => join(client, found.role));
    return databaseUrl;
  }
  // Each DATA_DIR has a role of its own, so that two copies on one database do not change each other's password.
  const role = data.secret('database-service-role', () => `stagedoor_service_${randomSuffix()}`);
  const password = data.secret('database-service-password');
  await connected('DATABASE_URL', ownerUrl!, (client) => makeServingRole(client, role, password));
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

function randomSuffix(): string {
  return crypto.randomUUID().slice(0, 8);
}

async function makeServingRole(client: pg.Client, role: string, password: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
  const verb = rowCount ? 'alter' : 'create';
  const [name, secret] = [client.escapeIdentifier(role), client.escapeLiteral(password)];
  await client.query(`${verb} role ${name} login password ${secret}`);
  await join(client, role);
}

async function join(client: pg.Client, role: string): Promise<void> {
  const { rows } = await client.query<{ member: boolean }>(
    `select pg_has_role($1::name, 'stagedoor_app', 'usage') as member`,
    [role],
  );
  if (!rows[0]?.member) await client.query(`grant stagedoor_app to ${client.escapeIdentifier(role)}`);
}

/** Makes the database of the embedded Postgres and its owner, a role with the rights that a managed database gives. */
export async function makeDatabase(superuserUrl: string, name: string, password: string): Promise<void> {
  const remedy = 'the password in DATA_DIR/secrets must be that of the database; `npm run reset` deletes both';
  const work = async (client: pg.Client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount) return;
    const [role, secret] = [client.escapeIdentifier(name), client.escapeLiteral(password)];
    const { rowCount: hasRole } = await client.query('select from pg_roles where rolname = $1', [name]);
    await client.query(`${hasRole ? 'alter' : 'create'} role ${role} login createrole password ${secret}`);
    await client.query(`create database ${role} owner ${role}`);
  };
  await connected('The embedded Postgres', superuserUrl, work, remedy);
}

async function connected<T>(
  setting: string,
  url: string,
  work: (client: pg.Client) => Promise<T>,
  remedy = 'check that Postgres runs there and that the address is right',
): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {}); // a query that is under way reports a cut connection itself
  try {
    await client.connect();
  } catch (error) {
    // The message does not hold the URL, because a password is in it.
    throw new UserError(
      `${setting}: cannot connect to ${client.host}:${client.port} as ${client.user} (${reason(error)}). Remedy: ${remedy}`,
      { cause: error },
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
