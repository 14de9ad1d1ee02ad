import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { z } from 'zod';
import { type Caller, credentialId } from '../caller.ts';
import { Settings } from '../config.ts';
import { inSpan } from '../telemetry/spans.ts';
import { noteCommit } from './commits.ts';
import { isReadOnly, isTransactionConflict, translateDatabaseErrors, wasTooBusy } from './database-errors.ts';
import { type Prisma, PrismaClient } from './generated/client.ts';
import { Line } from './line.ts';
import { Reach, statementTimeoutMs } from './reach.ts';
import { assertTakesWrites, lackOfFunctions, lackOfRights } from './serving-role.ts';
import { parseValue, type ResultRow, runIn, type SqlArguments, sqlCall, unnamed } from './sql-call.ts';
import { TenantShare } from './tenant-share.ts';

/** Prisma's client inside a transaction of one tenant or of the operator. */
export type Tx = Prisma.TransactionClient;

/** Longest wait for a connection, in milliseconds. */
const connectTimeoutMs = 1_000;

/** Number of connections of one replica that only moderation uses. */
const moderationConnections = 4;

/** Number of connections of one replica that only reads for callers use. */
const readConnections = 4;

/** Largest number of them that one tenant uses at the same time. */
const readsOfTenant = 2;

/** Number of connections of one replica that only look up credentials. */
const credentialConnections = 2;

/** Longest time that a transaction of moderation waits for its turn, or runs again, in milliseconds. */
const actWaitMs = 10_000;

/** Mean time until a transaction of moderation runs again, in milliseconds. */
const retryMs = 100;

/** The tenant whose rows a transaction sees, and the credential that allows it. */
export interface Scope {
  tenantId: string;
  /** `system` is background work of the service. */
  kind: Caller['kind'] | 'system';
  /** Id of the API key or of the issuer; else the same as `kind`. */
  credential: string;
  /** True: the transaction fails if the tenant is suspended. */
  mustBeActive?: boolean | undefined;
}

/** The scope of work that no caller has asked for. */
export function systemScope(tenantId: string): Scope {
  return { tenantId, kind: 'system', credential: 'system' };
}

/**
 * The only way to Postgres. Every transaction names its tenant: row-level security shows a transaction no rows of a tenant
 * that it has not entered.
 *
 * If the database fails, every method throws the Problem `unavailable` within about three seconds; a transaction of
 * moderation within about ten.
 */
abstract class Connections implements OnApplicationShutdown {
  readonly pool: pg.Pool;
  private readonly prisma: PrismaClient;

  constructor(
    settings: Settings,
    private readonly reach: Reach,
    name: string,
    size: number,
  ) {
    this.pool = new pg.Pool({
      connectionString: settings.databaseUrl,
      max: size,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs + 500,
      ...reach.parameters,
      keepAlive: true,
      application_name: name,
      // After a failover an address can lead to a standby for a while. No connection to one stays, so no read comes from there.
      onConnect: assertTakesWrites, // oxlint-disable-line typescript/no-misused-promises -- the pool waits for it
    });
    // The pool replaces a broken idle connection at the next query. Without a listener its error would end the process.
    this.pool.on('error', () => undefined);
    this.prisma = new PrismaClient({ adapter: new PrismaPg(this.pool) });
  }

  /**
   * Runs `work` in a transaction that sees only the rows of the caller's tenant.
   * @param timeoutMs as in `inScope`.
   * @throws Problem `unauthenticated` if the credential of the caller does not hold any more.
   */
  async inTenantOf<T>(
    caller: Exclude<Caller, { kind: 'operator' }>,
    work: (tx: Tx) => Promise<T>,
    timeoutMs?: number,
  ): Promise<T> {
    const scope = {
      tenantId: caller.tenantId,
      kind: caller.kind,
      credential: credentialId(caller),
      mustBeActive: caller.mustBeActive,
    };
    return await this.inScope(scope, work, timeoutMs);
  }

  /**
   * Runs `work` in a transaction that sees only the rows of the scope's tenant. After a deadlock it runs again, so its only
   * effects are in the transaction.
   *
   * @param timeoutMs longest time of the transaction, in milliseconds. Each statement has a limit of its own too.
   */
  async inScope<T>(scope: Scope, work: (tx: Tx) => Promise<T>, timeoutMs?: number): Promise<T> {
    return await this.transaction(async (tx) => {
      await runIn(tx, 'enter_tenant', {
        tenant: scope.tenantId,
        kind: scope.kind,
        credential: scope.credential,
        mustBeActive: scope.mustBeActive ?? false,
      });
      return await work(tx);
    }, timeoutMs);
  }

  /** Runs `work` in a transaction of the operator. It sees the rows of the table `tenants`, and no rows of a tenant. */
  async asOperator<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return await this.transaction(async (tx) => {
      await tx.$executeRaw`select set_config('app.operator', 'on', true)`;
      return await work(tx);
    });
  }

  /**
   * Calls a SQL function in a transaction of its own, in one round trip, as a prepared statement unless a pooler stands in
   * between.
   * @param row schema of a row. A function that returns one value has the column `result`.
   */
  async call<Row extends z.ZodType>(functionName: string, args: SqlArguments, row: Row): Promise<z.output<Row>[]> {
    return z.array(row).parse(await this.rows(functionName, args)) as z.output<Row>[];
  }

  /** Calls a SQL function that returns one value, as `call` does. */
  async value<Value extends z.ZodType>(
    functionName: string,
    args: SqlArguments,
    value: Value,
  ): Promise<z.output<Value>> {
    return parseValue(functionName, await this.rows<ResultRow & pg.QueryResultRow>(functionName, args), value);
  }

  /** Calls a SQL function that returns nothing, as `call` does. */
  async run(functionName: string, args: SqlArguments): Promise<void> {
    await this.rows(functionName, args);
  }

  /** Why the service cannot work with this database now, for everybody to read; undefined: it can. */
  async whyNotReady(): Promise<string | undefined> {
    try {
      await assertTakesWrites(this.pool);
      if ((await lackOfFunctions(this.pool)) !== undefined)
        return 'The database does not have the functions of this build. The operator migrates it.';
      if ((await lackOfRights(this.pool)) !== undefined)
        return 'The service lacks rights on its tables. The operator restores the database with its privileges.';
      return undefined;
    } catch (error) {
      if (isReadOnly(error)) return 'The database takes no writes: it is a standby, or read-only.';
      return 'The database cannot be reached, or is too slow.';
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.prisma.$disconnect();
    await this.pool.end();
  }

  private async rows<Row extends pg.QueryResultRow>(functionName: string, args: SqlArguments): Promise<Row[]> {
    const call = sqlCall(functionName, args);
    const query = () => this.pool.query<Row>(this.reach.isPooled ? unnamed(call) : call);
    return (await repeatAfterConflict(() => inSpan(`postgres ${functionName}`, {}, query))).rows;
  }

  private async transaction<T>(work: (tx: Tx) => Promise<T>, timeout = statementTimeoutMs + 500): Promise<T> {
    let last: Tx | undefined; // after a conflict there is another one
    const begin = (tx: Tx) => work((last = tx));
    const result = await repeatAfterConflict(() =>
      inSpan('postgres transaction', {}, () => this.prisma.$transaction(begin, { maxWait: connectTimeoutMs, timeout })),
    );
    noteCommit(last);
    return result;
  }
}

/** Runs a transaction again, twice at most, if Postgres ended it because of a conflict. It has then changed nothing. */
async function repeatAfterConflict<T>(run: () => Promise<T>, runs = 3): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (runs > 1 && isTransactionConflict(error)) return await repeatAfterConflict(run, runs - 1);
    throw translateDatabaseErrors(error);
  }
}

/** The database, over the connections for everything but moderation. */
@Injectable()
export class Database extends Connections {
  constructor(settings: Settings, reach: Reach) {
    super(settings, reach, 'stagedoor', settings.databasePoolSize);
  }
}

/** The same database, over connections that only moderation uses. So a ban does not wait behind many vends. */
@Injectable()
export class ModerationDatabase extends Connections {
  /** One connection is left for the deliveries of acts and for the watch. */
  private readonly line = new Line(moderationConnections - 1, 'Too many acts of moderation wait. Try again shortly.');

  constructor(settings: Settings, reach: Reach) {
    super(settings, reach, 'stagedoor moderation', moderationConnections);
  }

  /**
   * Runs `work` in a transaction, as `Database.inScope` does. An act of a moderator waits rather than fails: while the
   * database is busy, transactions wait in line, and run again, for ten seconds at most. Tenants take turns.
   * @param waitMs longest time in line and until it runs again, in milliseconds.
   */
  override async inScope<T>(
    scope: Scope,
    work: (tx: Tx) => Promise<T>,
    timeoutMs?: number,
    waitMs = actWaitMs,
  ): Promise<T> {
    return await this.inTurn(scope.tenantId, waitMs, () => super.inScope(scope, work, timeoutMs));
  }

  /**
   * Records an act by one call of a SQL function, in a transaction of its own that waits as those of `inScope` do. The
   * function enters the tenant itself.
   * @param value schema of what the function returns.
   */
  async act<Value extends z.ZodType>(
    tenantId: string,
    functionName: string,
    args: SqlArguments,
    value: Value,
  ): Promise<z.output<Value>> {
    const result = await this.inTurn(tenantId, actWaitMs, () => this.value(functionName, args, value));
    noteCommit();
    return result;
  }

  private async inTurn<T>(tenantId: string, waitMs: number, run: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      try {
        return await this.line.run(tenantId, deadline, run);
      } catch (error) {
        if (!wasTooBusy(error) || performance.now() > deadline) throw error;
        await sleep(retryMs * (0.5 + Math.random()));
      }
    }
  }
}

/**
 * The same database, over connections that only reads for callers use: lists, and single things. So no vend and no act waits
 * behind a read. A tenant uses half of them at most.
 */
@Injectable()
export class ReadDatabase extends Connections {
  private readonly share = new TenantShare(readsOfTenant);

  constructor(settings: Settings, reach: Reach) {
    super(settings, reach, 'stagedoor reads', readConnections);
  }

  /**
   * As `Connections.inTenantOf`.
   * @throws Problem `rate_limited` if the tenant reads too much at the same time.
   */
  override async inTenantOf<T>(
    caller: Exclude<Caller, { kind: 'operator' }>,
    work: (tx: Tx) => Promise<T>,
    timeoutMs?: number,
  ): Promise<T> {
    return await this.share.run(caller.tenantId, () => super.inTenantOf(caller, work, timeoutMs));
  }
}

/** The same database, over connections that only look up credentials. So an act does not wait behind vends to know its caller. */
@Injectable()
export class CredentialDatabase extends Connections {
  constructor(settings: Settings, reach: Reach) {
    super(settings, reach, 'stagedoor credentials', credentialConnections);
  }
}

/** One connection that only the check of readiness uses. So a replica with much to do is ready all the same. */
@Injectable()
export class ReadinessDatabase extends Connections {
  private asking: Promise<string | undefined> | undefined;

  constructor(settings: Settings, reach: Reach) {
    super(settings, reach, 'stagedoor readiness', 1);
  }

  /** As `Connections.whyNotReady`. Checks at the same time share one query. */
  override async whyNotReady(): Promise<string | undefined> {
    this.asking ??= super.whyNotReady().finally(() => (this.asking = undefined));
    return await this.asking;
  }
}
