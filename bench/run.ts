/**
 * `npm run bench` runs every measurement but `rows` and `partitions`. `npm run bench -- vend-key-pair growth` runs the parts with
 * these names.
 *
 * BENCH_SECONDS is the length of each load, BENCH_ROUNDS the number of times that a comparison is repeated, BENCH_STREAMS the
 * number of open streams of events.
 */
import { ban } from './parts/ban.ts';
import { bansBesideVends } from './parts/bans-beside-vends.ts';
import { client } from './parts/client.ts';
import { consolePages } from './parts/console.ts';
import { emulator } from './parts/emulator.ts';
import { eventStreams } from './parts/events.ts';
import { eventsOfVends } from './parts/events-of-vends.ts';
import { fairness } from './parts/fairness.ts';
import { freeze } from './parts/freeze.ts';
import { bans, growth } from './parts/growth.ts';
import { lists } from './parts/lists.ts';
import { record } from './parts/record.ts';
import { partitions } from './parts/partitions.ts';
import { replicas } from './parts/replicas.ts';
import { roundTrips } from './parts/round-trips.ts';
import { rowsOfYears } from './parts/rows.ts';
import { signatures } from './parts/signatures.ts';
import { startup } from './parts/startup.ts';
import { storms } from './parts/storm.ts';
import { vendIvs } from './parts/vend-ivs.ts';
import { vendKeyPair } from './parts/vend-key-pair.ts';
import { webhooks } from './parts/webhooks.ts';
import { beginPart, machine, summary } from './support/report.ts';

const parts: Record<string, () => Promise<void>> = {
  signatures,
  'vend-key-pair': vendKeyPair,
  'vend-ivs': vendIvs,
  'round-trips': roundTrips,
  record,
  replicas,
  storm: storms,
  growth,
  'ban-check': bans,
  'ban-latency': ban,
  'bans-beside-vends': bansBesideVends,
  fairness,
  lists,
  events: eventStreams,
  'events-of-vends': eventsOfVends,
  webhooks,
  freeze,
  startup,
  emulator,
  client,
  console: consolePages,
};

/** Parts that run only when they are named: one fills the disk for a long time, the other is about tables that there are not. */
const named: Record<string, () => Promise<void>> = {
  rows: rowsOfYears,
  partitions,
};

async function main(asked: string[]): Promise<number> {
  const all = { ...parts, ...named };
  const names = Object.keys(all);
  const chosen = names.filter((name) =>
    asked.length === 0 ? name in parts : asked.some((word) => name.startsWith(word)),
  );
  if (chosen.length === 0) {
    console.error(`There is no such part. The parts are: ${names.join(', ')}`);
    return 1;
  }
  console.log(`Stagedoor, measured\n\n${machine()}`);
  const failed: string[] = [];
  for (const name of chosen) {
    beginPart(name);
    try {
      await all[name]?.();
    } catch (error) {
      // The other parts are worth their time all the same.
      console.error(`  ${name} failed:`, error);
      failed.push(name);
    }
  }
  summary();
  console.log(
    `\n${Math.round(performance.now() / 1_000)} s in all${failed.map((name) => `, ${name} FAILED`).join('')}`,
  );
  return failed.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
// A part may have left connections open, which would keep this process running.
process.exit();
