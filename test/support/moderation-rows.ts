/** Rows that the tests of acts, deliveries and watches start from, and what those functions leave in the tables. */
import { inSeconds, type SqlSession } from './sql.ts';
import { until } from './until.ts';

type Row = Record<string, unknown>;

export function inHours(hours: number): { secondsFromNow: number } {
  return inSeconds(hours * 3600);
}

/** A SQL expression: whole hours from the beginning of the transaction to a time. Null stays null. */
export function hours(column: string): string {
  return `round(extract(epoch from ${column} - now()) / 3600)::int`;
}

/** Postgres refuses the caller: they lack a right. */
export const insufficientPrivilege = { code: '42501' };

/**
 * Two tenants, `ten` and `ten_other`, in one AWS account. Each has the spaces `spc` and `spc_beside`, whose stage is
 * `stage:<space>` and whose room is `room:<space>`, and the actions `act` and `act_beside`.
 */
export async function insertTwoTenants(sql: SqlSession): Promise<void> {
  for (const tenant of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant });
    for (const space of ['spc', 'spc_beside']) {
      await sql.insert('spaces', {
        tenant_id: tenant,
        id: space,
        stage_arn: `stage:${space}`,
        room_arn: `room:${space}`,
      });
    }
    for (const action of ['act', 'act_beside']) {
      await sql.insert('actions', { tenant_id: tenant, id: action, space_id: 'spc' });
    }
  }
}

/** A grant of `ten` for `spc`. */
export async function insertGrant(sql: SqlSession, row: Row): Promise<void> {
  await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...row });
}

/** A hold of `act` in `spc`. Its grant, watched, is put into its table as well if it is not there. */
export async function insertHold(sql: SqlSession, row: Row, grant: Row = {}): Promise<void> {
  const hold: Row = { tenant_id: 'ten', action_id: 'act', space_id: 'spc', grant_id: 'grt', ...row };
  const keys = { tenant_id: hold['tenant_id'], id: hold['grant_id'] };
  const found = await sql.query('select from grants where tenant_id = $1 and id = $2', Object.values(keys));
  if (found.length === 0) {
    const repeated = ['space_id', 'kind', 'ivs_user_id', 'participant_id', 'expires_at'].filter((name) => name in hold);
    await sql.insert('grants', {
      ...keys,
      state: 'watched',
      ...Object.fromEntries(repeated.map((name) => [name, hold[name]])),
      ...grant,
    });
  }
  await sql.insert('holds', hold);
}

/** A delivery of `act` in `spc`. Returns its id. */
export async function insertDelivery(sql: SqlSession, row: Row = {}): Promise<string> {
  const made = await sql.insert<{ id: string }>('deliveries', {
    tenant_id: 'ten',
    action_id: 'act',
    space_id: 'spc',
    ...row,
  });
  return made.id;
}

/** A watch of `spc`. */
export async function insertWatch(sql: SqlSession, row: Row = {}): Promise<void> {
  await sql.insert('watches', { tenant_id: 'ten', space_id: 'spc', ...row });
}

/** The first column of a query, as a list. */
export async function list(sql: SqlSession, query: string, values: unknown[] = []): Promise<unknown[]> {
  return (await sql.query(query, values)).map((row) => Object.values(row)[0]);
}

/** Deliveries of `ten` in the order of their making: `operation target`, and `later` for a follow-up. */
export async function deliveries(sql: SqlSession): Promise<unknown[]> {
  return await list(
    sql,
    `select operation || ' ' || target || case when follow_up then ' later' else '' end
       from deliveries where tenant_id = 'ten' order by id`,
  );
}

/** Holds of `ten`: `grant action watch_for`. */
export async function holds(sql: SqlSession): Promise<unknown[]> {
  return await list(
    sql,
    `select concat_ws(' ', grant_id, action_id, watch_for) from holds where tenant_id = 'ten' order by 1`,
  );
}

/** The state of each grant of a tenant. */
export async function grantStates(sql: SqlSession, tenant = 'ten'): Promise<Row> {
  const rows = await sql.query<{ id: string; state: string }>('select id, state from grants where tenant_id = $1', [
    tenant,
  ]);
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
}

/** Expects that the service may not call a function. The transaction fails with it. */
export async function expectRefusedToService(sql: SqlSession, call: () => Promise<unknown>): Promise<void> {
  await sql.become('stagedoor_test_service');
  await expect(call()).rejects.toMatchObject(insufficientPrivilege);
}

/** Until its transaction ends, a connection gets an error where it would otherwise wait for ever for a lock of the test. */
export async function refuseToWait(sql: SqlSession): Promise<void> {
  await sql.query(`set local lock_timeout = '2s'`);
}

/** Starts a call on one connection, and expects that it waits for a lock of the other. Returns the call, still waiting. */
export async function startsToWait<T>(
  holder: SqlSession,
  waiting: SqlSession,
  call: () => Promise<T>,
): Promise<{ answer: Promise<T> }> {
  const [pid] = await list(waiting, 'select pg_backend_pid()');
  let isOver = false;
  const answer = call().finally(() => (isOver = true));
  await until(async () => {
    if (isOver) throw new Error('the call did not wait');
    const [waits] = await list(holder, 'select cardinality(pg_blocking_pids($1)) > 0', [pid]);
    return waits === true;
  }, 'the call waits for a lock');
  return { answer };
}

/** Expects that a call waits for a lock of another connection, which then commits. Returns what the call then returned. */
export async function waitsFor<T>(holder: SqlSession, waiting: SqlSession, call: () => Promise<T>): Promise<T> {
  const { answer } = await startsToWait(holder, waiting, call);
  await holder.commit();
  return await answer;
}
