/** Postgres is away for a moment, as during a restart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fullSize } from './full-size.ts';
import { postgresUrl } from './shared.ts';
import { asSuperuser, type TestDatabase } from './database.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

/**
 * Cuts the line between services and Postgres, and lets nobody connect for a second: what was under way there ends without a
 * commit. At full size, where no other test file runs, Postgres also crashes and recovers.
 */
export class Outage {
  private constructor(private readonly proxy: TcpProxy) {}

  static async prepare(): Promise<Outage> {
    const { hostname, port } = new URL(await postgresUrl());
    return new Outage(await TcpProxy.start(hostname, Number(port)));
  }

  /** The address of a database over this line. A commit there outlives a crash from now on, unlike those of other tests. */
  async reroute({ name, serviceUrl }: TestDatabase): Promise<string> {
    await asSuperuser('postgres', (client) => client.query(`alter database ${name} set synchronous_commit = on`));
    const url = new URL(serviceUrl);
    url.host = `127.0.0.1:${this.proxy.port}`;
    return url.href;
  }

  async happen(): Promise<void> {
    this.proxy.set('refusing');
    if (fullSize) await crash();
    await sleep(1_000);
    this.proxy.set('open');
  }

  /** Cuts the line, and lets nobody connect, until `mend`. */
  cut(): void {
    this.proxy.set('refusing');
  }

  mend(): void {
    this.proxy.set('open');
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
  }
}

/**
 * Writes an event as a transaction of the service does, however often Postgres is away. If Postgres did not confirm it, it is
 * written again only if it is not there. So `data` differs from one event to the next.
 */
export async function writeEvent(
  database: TestDatabase,
  tenantId: string,
  { type, spaceId = null, data }: { type: string; spaceId?: string | null; data: object },
): Promise<void> {
  const write = `insert into events (tenant_id, type, space_id, data)
                 select $1, $2, $3, $4::jsonb where not exists (select from events where tenant_id = $1 and data = $4::jsonb)`;
  const values = [tenantId, type, spaceId, JSON.stringify(data)];
  const isWritten = () =>
    database.query(write, values).then(
      () => true,
      () => false,
    );
  await until(isWritten, 'Postgres takes an event');
}

/** Kills one process of Postgres. Then it ends all others, and recovers as after a power failure. */
async function crash(): Promise<void> {
  await asSuperuser('postgres', async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
    await until(
      () =>
        client.query('select').then(
          () => false,
          () => true,
        ),
      'Postgres crashes',
    );
  }).catch(() => undefined);
  const recovers = () =>
    asSuperuser('postgres', async (client) => await client.query('select')).then(
      () => true,
      () => false,
    );
  await until(recovers, 'Postgres is back');
}
