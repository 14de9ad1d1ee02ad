import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../clock.ts';
import type { Rates } from './rates.ts';

/** How much of its rate an operation used in the last minute. */
export interface RateUse {
  account: string;
  region: string;
  service: string;
  operation: string;
  calls: number;
  /** The number of calls in the busiest second. */
  peak: number;
  /** The calls a second that the operation may have. */
  rate: number;
  /** The number of calls that were refused because they exceeded the rate. */
  throttled: number;
}

const SPAN_MS = 60_000;

/** The chat actions that share their rate with an operation (AWS docs, service quotas). */
const OPERATION_OF_ACTION: Record<string, string> = {
  DELETE_MESSAGE: 'DeleteMessage',
  DISCONNECT_USER: 'DisconnectUser',
};

/**
 * How the rates were used in the last minute. The operation whose busiest second is nearest to its rate comes first.
 */
export function ratesUsed(journal: Journal, rates: Rates, clock: Clock): RateUse[] {
  const from = clock.now() - SPAN_MS;
  const uses = new Map<string, RateUse & { seconds: Map<string, number> }>();
  for (const entry of journal.find().reverse()) {
    if (Date.parse(entry.at) < from) break;
    const operation = OPERATION_OF_ACTION[entry.operation] ?? entry.operation;
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
