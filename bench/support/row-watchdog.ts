/** What the watchdog costs, and a deployment that nobody asks for anything. */
import { setTimeout as delay } from 'node:timers/promises';

import type { SqlArguments } from '../../src/database/sql-call.ts';
import { checkMs, turnEveryMs, waitAfter } from '../../src/health/watchdog-share.ts';
import { limits } from '../../src/limits.ts';
import { withClient } from './deployment.ts';
import { callOf } from './functions.ts';
import { processorMs } from './processes.ts';
import { line, ms } from './report.ts';
import { type Size, size } from './row-sizes.ts';

/** What a pass over all bans costs, and how long it lasts in the turns that the replicas take together. */
export async function watchdog({ deployment, rows }: Size): Promise<void> {
  await withClient(deployment.serviceUrl, async (client) => {
    const ask = async (name: string, args: SqlArguments) => {
      const { text, values } = await callOf(name, args);
      return (await client.query<Record<string, unknown>>(text, values)).rows[0];
    };
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = own[0]?.pid ?? 0;
    /** The processor time that Postgres takes for this, in milliseconds. Linux counts hundredths of a second, so it is repeated. */
    const cost = async (work: () => Promise<unknown>) => {
      await work();
      const before = processorMs(pid) ?? NaN;
      const began = performance.now();
      let times = 0;
      do await work();
      while (++times < 5 || performance.now() - began < 1_000);
      return ((processorMs(pid) ?? NaN) - before) / times;
    };
    let bans = 0;
    const pass = async () => {
      bans = 0;
      for (;;) {
        const step = await ask('check_bans', { most: 1_000, limits });
        bans += Number(step?.['bans']);
        if (step?.['is_whole'] === true) return;
      }
    };
    await pass(); // a pass of the service may have begun
    const ofPass = await cost(pass);
    const ofOthers = await cost(async () => {
      await ask('delivery_backlog', { overdueAfter: '10 seconds' });
      await ask('returning_participants', { times: 3, within: '5 minutes' });
      await ask('watch_backlog', {});
      await ask('unsealed_audit', { most: 100_000 });
      await ask('webhook_backlog', { steady: limits.steadyFailures });
    });
    const ofCount = await cost(() => ask('check_count', { every: '0 seconds', limits }));
    const turns = Math.max(1, Math.ceil(ofPass / checkMs.bans));
    const turn = ofOthers + ofPass / turns + Math.max(checkMs.counts, ofCount);
    const everyMs = Math.max(turnEveryMs, turn + waitAfter(turn));
    line(
      `${size(rows)}: a pass of the watchdog`,
      ms(ofPass),
      `of processor in Postgres for ${bans.toLocaleString('en')} bans in force, in ${turns} turns: ${Math.round((turns * everyMs) / 1_000)} s, whatever the number of replicas`,
    );
    line(
      `${size(rows)}: a turn of the watchdog`,
      ms(turn),
      `of processor in Postgres at most: ${((turn / everyMs) * 100).toFixed(2)} % of a core; one count of a space ${ms(ofCount)}, the other checks ${ms(ofOthers)}`,
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
