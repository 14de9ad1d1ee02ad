/** Calls SQL functions directly, on rows that the test itself puts into the tables. */
import type { Socket } from 'node:net';
import pg from 'pg';
import { type SqlArguments, sqlCall } from '../../src/database/sql-call.ts';
import { limits } from '../../src/limits.ts';
import { createDatabase, type TestDatabase } from './database.ts';

type Row = Record<string, unknown>;

/** Seconds from now, as a Postgres timestamp that the database itself counts: the clocks of both need not agree. */
export function inSeconds(seconds: number): { secondsFromNow: number } {
  return { secondsFromNow: seconds };
}

/**
 * Milliseconds from `now()`, for borders: `now()` stands still in a transaction. Columns keep milliseconds, so what ends at
 * `fromNow(0)` is over, and what ends at `fromNow(1)` is not over yet.
 */
export function fromNow(milliseconds: number): { millisecondsFromNow: number } {
  return { millisecondsFromNow: milliseconds };
}

/** Columns that a row gets unless the test says otherwise. `n` makes ids differ. */
const defaults: Record<string, (n: number) => Row> = {
  tenants: (n) => ({ id: `ten_${n}`, slug: `tenant-${n}`, name: 'A tenant', region: 'us-east-1' }),
  roles: (n) => ({
    name: `role-${n}`,
    stage_capabilities: ['PUBLISH', 'SUBSCRIBE'],
    stage_ttl_seconds: 600,
    chat_capabilities: ['SEND_MESSAGE'],
    chat_session_minutes: 60,
  }),
  spaces: (n) => ({
    id: `spc_${n}`,
    name: 'A space',
    stage_arn: `arn:aws:ivs:us-east-1:111122223333:stage/${n}`,
    stage_endpoints: { events: 'wss://events', whip: 'https://whip' },
    stage_endpoints_at: inSeconds(0),
    room_arn: `arn:aws:ivschat:us-east-1:111122223333:room/${n}`,
    ready_at: inSeconds(-3600),
    created_at: inSeconds(-3600),
    updated_at: inSeconds(-3600),
  }),
  members: () => ({ user_id: 'ann' }),
  api_keys: (n) => ({ id: `key_${n}`, name: 'A key', prefix: 'sk_', hash: Buffer.from(`hash-${n}`), scopes: ['*'] }),
  issuers: (n) => ({
    id: `iss_${n}`,
    issuer: 'https://issuer.example',
    audience: 'app',
    jwks_uri: 'https://issuer.example/jwks',
    algorithms: ['ES256'],
    claims: {},
  }),
  signing_keys: (n) => ({
    id: `sgk_${n}`,
    arn: `arn:aws:ivs:us-east-1:111122223333:public-key/${n}`,
    state: 'active',
    private_key: Buffer.from('sealed'),
    public_key: 'PEM',
  }),
  bans: (n) => ({ id: `ban_${n}`, user_id: 'ann', created_by: { kind: 'apiKey', id: 'key_1' } }),
  grants: (n) => ({
    id: `grt_${String(n).padStart(6, '0')}`,
    user_id: 'ann',
    ivs_user_id: 'ann',
    kind: 'stage',
    role: 'viewer',
    mint: 'ivs',
    participant_id: `participant${n}`,
    capabilities: ['SUBSCRIBE'],
    state: 'released',
    issued_at: inSeconds(-60),
    expires_at: inSeconds(600),
    session_expires_at: inSeconds(600),
  }),
  actions: (n) => ({
    id: `act_${n}`,
    kind: 'ban',
    requested_by: { kind: 'apiKey', id: 'key_1' },
    requested_at: inSeconds(0),
  }),
  deliveries: (n) => ({
    account: 'own us-east-1',
    operation: 'DisconnectParticipant',
    arn: 'arn:aws:ivs:us-east-1:111122223333:stage/1',
    target: `participant${n}`,
    next_at: inSeconds(-1),
    needed_until: inSeconds(3600),
  }),
  holds: (n) => ({
    grant_id: `grt_${n}`,
    watch_for: 'gone',
    watch_from: inSeconds(-1),
    kind: 'stage',
    ivs_user_id: 'ann',
    participant_id: `participant${n}`,
    expires_at: inSeconds(600),
  }),
  unfinished_actions: () => ({ grants: [], keep_out: true, watch_for: 'gone', watch_from: inSeconds(0) }),
  watches: () => ({ next_at: inSeconds(-1) }),
  stage_looks: () => ({}),
  stage_sessions: (n) => ({ session_id: `st-${n}`, started_at: inSeconds(-60) }),
  stage_participants: (n) => ({
    participant_id: `participant${n}`,
    joined_at: inSeconds(-60),
    seen_at: inSeconds(-60),
    certainty: 'confirmed',
  }),
  events: (n) => ({ type: 'space.created', data: { n } }),
  webhooks: (n) => ({
    id: `whk_${n}`,
    url: 'https://hooks.example.com/',
    secret: Buffer.from('sealed'),
    position: 0,
  }),
  webhook_deliveries: (n) => ({
    id: `whd_${String(n).padStart(6, '0')}`,
    reason: 'event',
    position: n,
    event: '00000000-0000-4000-8000-000000000000',
    type: 'ban.created',
    at: inSeconds(0),
    data: {},
    next_at: inSeconds(-1),
  }),
  ivs_events: () => ({ type: 'IVS Stage Update', detail: {}, at: inSeconds(0) }),
  console_sessions: (n) => ({
    id: `cse_${n}`,
    hash: Buffer.from(`hash-${n}`),
    kind: 'apiKey',
    caller: 'key',
    expires_at: inSeconds(1800),
  }),
  console_issuers: (n) => ({
    id: `cis_${n}`,
    name: 'Staff',
    issuer: 'https://login.example.com/',
    client_id: `client-${n}`,
    scopes: ['openid'],
    claims: { userId: 'sub', name: 'name' },
  }),
  console_users: (n) => ({ user_id: `person-${n}`, role: 'viewer' }),
  tenant_settings: () => ({}),
  event_logs: () => ({ last_position: 0, last_at: inSeconds(0) }),
  audit: (n) => ({
    id: `aud_${String(n).padStart(6, '0')}`,
    caller: { kind: 'apiKey', id: 'key_1' },
    action: 'test',
    request_id: 'request',
  }),
  audit_checkpoints: (n) => ({
    seq: n,
    is_cut: false,
    hash: Buffer.from('hash'),
    at: inSeconds(0),
    key: 'key',
    signature: Buffer.from('signature'),
  }),
  journal_entries: (n) => ({
    id: `aud_${String(n).padStart(6, '0')}`,
    caller: { kind: 'apiKey', id: 'key_1' },
    action: 'ban.create',
  }),
  journal_state: () => ({ journal: '00000000-0000-4000-8000-000000000000', position: 0 }),
  unsealed_vends: (n) => ({
    id: `aud_${String(n).padStart(6, '0')}`,
    action: 'grant.vend',
    space_id: `spc_${n}`,
    user_id: 'ann',
    role: 'viewer',
    stage_grant: `grt_${n}`,
    request_id: 'request',
  }),
};

/**
 * A database with the functions of this build and one connection. Use one for a file, and `begin` and `rollback` around
 * each test: a test then sees only rows of its own.
 */
export class SqlSession {
  private rows = 0;

  private constructor(
    private readonly client: pg.Client,
    private readonly database: TestDatabase,
    private readonly isFirst: boolean,
  ) {}

  static async start(): Promise<SqlSession> {
    const database = await createDatabase();
    return await SqlSession.connect(database, true);
  }

  private static async connect(database: TestDatabase, isFirst: boolean): Promise<SqlSession> {
    const client = new pg.Client({ connectionString: database.superuserUrl });
    await client.connect();
    return new SqlSession(client, database, isFirst);
  }

  /** Another connection to the same database, to see what the first one locks. The rows of both must be committed. */
  async another(): Promise<SqlSession> {
    return await SqlSession.connect(this.database, false);
  }

  async stop(): Promise<void> {
    await this.client.end();
    if (this.isFirst) await this.database.drop();
  }

  /** Cuts the connection, as it is when the process is killed. */
  async cut(): Promise<void> {
    this.client.on('error', () => undefined);
    const ended = new Promise((resolve) => this.client.once('end', () => resolve(undefined)));
    (this.client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    await ended;
  }

  async begin(): Promise<void> {
    await this.client.query('begin');
  }

  async commit(): Promise<void> {
    await this.client.query('commit');
  }

  async rollback(): Promise<void> {
    await this.client.query('rollback');
  }

  /** Goes on with the rights of a role until the transaction ends, as nobody whom row-level security does not bind. */
  async become(role: 'stagedoor_test_service' | 'stagedoor_crossing'): Promise<void> {
    await this.client.query(`set local role ${role}`);
  }

  /** Goes on as the service inside a tenant, until the transaction ends. */
  async becomeService(tenant?: string): Promise<void> {
    if (tenant !== undefined) await this.query(`select set_config('app.tenant_id', $1, true)`, [tenant]);
    await this.become('stagedoor_test_service');
  }

  /** Says whether a call has to wait for a lock of another connection. A call that has to wait is undone. */
  async hasToWait(call: () => Promise<unknown>): Promise<boolean> {
    // Postgres counts this time only while it waits for a lock, so it does not matter how busy the machine is.
    await this.query(`savepoint before_wait; set local lock_timeout = '1ms'`);
    try {
      await call();
      return false;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === '55P03')) throw error;
      await this.query('rollback to savepoint before_wait');
      return true;
    }
  }

  /** Runs any statement. */
  async query<R extends Row = Row>(sql: string, values: unknown[] = []): Promise<R[]> {
    return (await this.client.query<R>(sql, values)).rows;
  }

  /** Puts a row into a table, with sensible values for the columns that are not given. Returns the whole row. */
  async insert<R extends Row = Row>(table: string, row: Row = {}): Promise<R> {
    this.rows++;
    const all: Row = { ...defaults[table]?.(this.rows), ...row };
    const columns = Object.keys(all);
    const values: unknown[] = [];
    const expressions = columns.map((column) => expressionFor(all[column], values));
    const sql = `insert into public.${table} (${columns.join(', ')}) values (${expressions.join(', ')}) returning *`;
    const [made] = await this.query<R>(sql, values);
    if (!made) throw new Error(`no row was put into ${table}`);
    return made;
  }

  /** Calls a function by name with named arguments (`{ space: … }` is `p_space`). A single value is in `result`. */
  async call<R extends Row = Row>(functionName: string, args: SqlArguments = {}): Promise<R[]> {
    const { text, values } = sqlCall(functionName, args);
    return await this.query<R>(text, values);
  }

  /** The one value that a function returns. */
  async value<Value = unknown>(functionName: string, args: SqlArguments = {}): Promise<Value> {
    const [row] = await this.call(functionName, args);
    return row?.['result'] as Value;
  }

  /** Calls a function that takes a row of a table as an argument, or an array of rows: `expression` is its argument list. */
  async rowsOf<R extends Row = Row>(functionName: string, expression: string, values: unknown[] = []): Promise<R[]> {
    return await this.query<R>(`select * from ${functionName}(${expression}) as result`, values);
  }

  /** The one value that such a function returns. */
  async valueOf<Value = unknown>(functionName: string, expression: string, values: unknown[] = []): Promise<Value> {
    const [row] = await this.rowsOf(functionName, expression, values);
    return row?.['result'] as Value;
  }
}

function expressionFor(value: unknown, values: unknown[]): string {
  if (typeof value === 'object' && value !== null && 'secondsFromNow' in value) {
    values.push(value.secondsFromNow);
    return `clock_timestamp() + make_interval(secs => $${values.length}::double precision)`;
  }
  if (typeof value === 'object' && value !== null && 'millisecondsFromNow' in value) {
    values.push(Number(value.millisecondsFromNow) / 1000);
    return `date_trunc('milliseconds', now()) + make_interval(secs => $${values.length}::double precision)`;
  }
  const isJson =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Buffer.isBuffer(value) &&
    !(value instanceof Date);
  values.push(isJson ? JSON.stringify(value) : value);
  return `$${values.length}`;
}

/** Limits as the service passes them, some of them smaller for a test. */
export function limitsWith(changed: Partial<Record<keyof typeof limits, number>>): Record<string, number> {
  return { ...limits, ...changed };
}
