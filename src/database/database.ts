import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { type Caller, credentialId } from '../caller.ts';
import { Settings } from '../config.ts';
import { inSpan } from '../telemetry/spans.ts';
import { z } from 'zod';
import { translateDatabaseErrors, wasEndedForAnother } from './database-errors.ts';
import { functionSet } from './function-set.ts';
import { type Prisma, PrismaClient } from './generated/client.ts';
import { oneValue, parseValue, runIn, type SqlArguments, sqlCall } from './sql-call.ts';

/** Prisma's client inside a transaction that has entered a tenant (or is the operator's). */
export type Tx = Prisma.TransactionClient;

/** Longest a statement may run, and longest to wait for a connection, in milliseconds. */
const statementTimeoutMs = 2_000;
const connectTimeoutMs = 1_000;

/** Connections of one replica that only moderation uses. */
const moderationConnections = 4;

/** Whose rows a transaction is about, and by what right. */
export interface Scope {
  tenantId: string;
  /** `system` for the service's own background work. */
  kind: Caller['kind'] | 'system';
  credential: string;
}

/** The service's own work inside a tenant, when no caller is behind it. */
export function systemScope(tenantId: string): Scope {
  return { tenantId, kind: 'system', credential: 'system' };
}

/**
 * The only way to Postgres. There is no method that queries without saying whose rows are meant: row-level security
 * shows a connection nothing until it has entered a tenant.
 *
 * Everything it throws for a failing database is a `Problem` (`unavailable`), within about three seconds.
 */
abstract class Connections implements OnApplicationShutdown {
  readonly pool: pg.Pool;
  private readonly prisma: PrismaClient;

  constructor(settings: Settings, name: string, size: number) {
    this.pool = new pg.Pool({
      connectionString: settings.databaseUrl,
      max: size,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 500,
      idle_in_transaction_session_timeout: 5_000,
      keepAlive: true,
      application_name: name,
    });
    // A connection that breaks while idle is replaced at the next query; without a listener it would end the process.
    this.pool.on('error', () => undefined);
    this.prisma = new PrismaClient({ adapter: new PrismaPg(this.pool) });
  }

  /** Runs `work` in a transaction that sees only the caller's tenant, after checking that the credential still holds. */
  async inTenantOf<T>(
    caller: Exclude<Caller, { kind: 'operator' }>,
    work: (tx: Tx) => Promise<T>,
    timeoutMs?: number,
  ): Promise<T> {
    const scope = { tenantId: caller.tenantId, kind: caller.kind, credential: credentialId(caller) };
    return await this.inScope(scope, work, timeoutMs);
  }

  /**
   * Runs `work` in a transaction that sees only the rows of the scope's tenant. After a deadlock it runs anew, so it must
   * do nothing that outlives the transaction.
   *
   * @param timeoutMs for all statements together; each has its own limit besides.
   */
  async inScope<T>(scope: Scope, work: (tx: Tx) => Promise<T>, timeoutMs?: number): Promise<T> {
    return await this.transaction(async (tx) => {
      await runIn(tx, 'enter_tenant', { tenant: scope.tenantId, kind: scope.kind, credential: scope.credential });
      return await work(tx);
    }, timeoutMs);
  }

  /** Runs `work` in a transaction that sees all tenants' own rows, and nothing that belongs to one. */
  async asOperator<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return await this.transaction(async (tx) => {
      await tx.$executeRaw`select set_config('app.operator', 'on', true)`;
      return await work(tx);
    });
  }

  /**
   * Calls a SQL function outside of any other transaction, in one round trip, as a prepared statement.
   * @param row the shape of a row; a function that returns one value has the column `result`.
   */
  async call<Row extends z.ZodType>(functionName: string, args: SqlArguments, row: Row): Promise<z.output<Row>[]> {
    const query = () => this.pool.query(sqlCall(functionName, args));
    const { rows } = await untilNotEndedForAnother(() => inSpan(`postgres ${functionName}`, {}, query));
    return z.array(row).parse(rows) as z.output<Row>[];
  }

  /** Calls a SQL function that returns one value, as `call` does. */
  async value<Value extends z.ZodType>(
    functionName: string,
    args: SqlArguments,
    value: Value,
  ): Promise<z.output<Value>> {
    return parseValue(functionName, await this.call(functionName, args, oneValue), value);
  }

  /** Calls a SQL function that returns nothing, as `call` does. */
  async run(functionName: string, args: SqlArguments): Promise<void> {
    await this.call(functionName, args, z.unknown());
  }

  /** Whether the database can be reached and has the functions of this build. */
  async isReady(): Promise<boolean> {
    try {
      const { rows } = await this.pool.query<{ found: boolean }>({
        name: 'is_ready',
        text: 'select to_regnamespace($1) is not null as found',
        values: [functionSet.schema],
      });
      return rows[0]?.found === true;
    } catch {
      return false;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.prisma.$disconnect();
    await this.pool.end();
  }

  private async transaction<T>(work: (tx: Tx) => Promise<T>, timeout = statementTimeoutMs + 500): Promise<T> {
    return await untilNotEndedForAnother(() =>
      inSpan('postgres transaction', {}, () => this.prisma.$transaction(work, { maxWait: connectTimeoutMs, timeout })),
    );
  }
}

/** Runs a transaction again, twice at most, if Postgres ended it to let another go on: then it has changed nothing. */
async function untilNotEndedForAnother<T>(run: () => Promise<T>, runs = 3): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (runs > 1 && wasEndedForAnother(error)) return await untilNotEndedForAnother(run, runs - 1);
    throw translateDatabaseErrors(error);
  }
}

/** The database, for everything but moderation. */
@Injectable()
export class Database extends Connections {
  constructor(settings: Settings) {
    super(settings, 'stagedoor', settings.databasePoolSize);
  }
}

/** The same database over connections of moderation's own: a ban does not queue behind a flood of vends. */
@Injectable()
export class ModerationDatabase extends Connections {
  constructor(settings: Settings) {
    super(settings, 'stagedoor moderation', moderationConnections);
  }
}
