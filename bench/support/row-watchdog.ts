/** What the watchdog costs, and a deployment that nobody asks for anything. */
import { setTimeout as delay } from 'node:timers/promises';

import type { SqlArguments } from '../../src/database/sql-call.ts';
import { limits } from '../../src/limits.ts';
import { withClient } from './deployment.ts';
import { callOf } from './functions.ts';
import { processorMs } from './processes.ts';
import { line, ms } from './report.ts';
import { type Size, size } from './row-sizes.ts';

/** What the watchdog asks in a whole pass, which a replica does every 15 seconds, as long as it does not last too long. */
export async function watchdog({ deployment, rows }: Size): Promise<void> {
  await withClient(deployment.serviceUrl, async (client) => {
    const ask = async (name: string, args: SqlArguments) => {
      const { text, values } = await callOf(name, args);
      return (await client.query<Record<string, unknown>>(text, values)).rows[0];
    };
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = own[0]?.pid ?? 0;
    let bansChecked = 0;
    const pass = async () => {
      await ask('delivery_backlog', { overdueAfter: '10 seconds' });
      await ask('returning_participants', { times: 3, within: '5 minutes' });
      await ask('watch_backlog', {});
      await ask('unsealed_audit', { most: 100_000 });
      await ask('webhook_backlog', { steady: limits.steadyFailures });
      bansChecked = 0;
      for (
        let after: Record<string, unknown> | undefined = { tenant_id: '', ban_id: '' };
        after?.['tenant_id'] !== null;
        bansChecked += 1_000
      )
        after = await ask('bans_without_hold', {
          afterTenant: after?.['tenant_id'] as string,
          afterBan: after?.['ban_id'] as string,
          limit: 1_000,
          limits,
        });
      for (let wrong: unknown = 0; wrong !== null;)
        wrong = (await ask('check_count', { every: '1 minute', limits }))?.['result'];
    };
    await pass();
    const passes = 5;
    const before = processorMs(pid) ?? NaN;
    const began = performance.now();
    for (let n = 0; n < passes; n++) await pass();
    const used = ((processorMs(pid) ?? NaN) - before) / passes;
    line(
      `${size(rows)}: a pass of the watchdog`,
      ms(used),
      `of processor in Postgres, ${ms((performance.now() - began) / passes)} in all; up to ${bansChecked.toLocaleString('en')} bans; every 15 s that is ${(used / 150).toFixed(2)} % of a core`,
    );
  });
  const postgres = () => processorMs(deployment.postgresPid, true) ?? NaN;
  const service = () => processorMs(deployment.service.pid) ?? NaN;
  const before = [postgres(), service()];
  await delay(30_000);
  const [inPostgres, inService] = [postgres() - (before[0] ?? NaN), service() - (before[1] ?? NaN)];
  line(
    `${size(rows)}: nothing is asked for 30 s`,
    '',
    `Postgres ${(inPostgres / 300).toFixed(1)} %, service ${(inService / 300).toFixed(1)} % of a core`,
  );
}
