import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../clock.ts';
import type { Rates } from './rates.ts';

/** How an operation's rate has been used in the last minute. */
export interface RateUse {
  account: string;
  region: string;
  service: string;
  operation: string;
  calls: number;
  /** The most calls in one second. */
  peak: number;
  /** Calls a second that are granted. */
  rate: number;
  /** Calls that were refused because of it. */
  throttled: number;
}

const SPAN_MS = 60_000;

/** Chat actions that share the rate of an operation (AWS docs, service quotas). */
const SHARED: Record<string, string> = { DELETE_MESSAGE: 'DeleteMessage', DISCONNECT_USER: 'DisconnectUser' };

/** Use of the rates in the last minute, the operation nearest to its rate first. */
export function ratesUsed(journal: Journal, rates: Rates, clock: Clock): RateUse[] {
  const from = clock.now() - SPAN_MS;
  const uses = new Map<string, RateUse & { seconds: Map<string, number> }>();
  for (const entry of journal.find().reverse()) {
    if (Date.parse(entry.at) < from) break;
    const operation = SHARED[entry.operation] ?? entry.operation;
    const service = entry.service === 'chat' ? 'ivschat' : entry.service;
    const { account, region } = entry;
    const isRated = entry.service === 'ivs' || entry.service === 'ivschat' || operation !== entry.operation;
    if (!isRated || account === undefined || region === undefined) continue;
    const key = `${account}/${region}/${operation}`;
    const use = uses.get(key) ?? {
      account,
      region,
      service,
      operation,
      calls: 0,
      peak: 0,
      rate: rates.rateOf(service, operation),
      throttled: 0,
      seconds: new Map<string, number>(),
    };
    uses.set(key, use);
    use.calls += 1;
    if (entry.status === 429) use.throttled += 1;
    const second = entry.at.slice(0, 19);
    const inSecond = (use.seconds.get(second) ?? 0) + 1;
    use.seconds.set(second, inSecond);
    use.peak = Math.max(use.peak, inSecond);
  }
  return [...uses.values()]
    .map(({ seconds: _seconds, ...use }) => use)
    .sort((a, b) => b.peak / b.rate - a.peak / a.rate);
}
