/** What anybody can see of a service: whether it answers, is ready, and has the right time. */
import { isLocal, whyNoAnswer } from '../connection.ts';
import { version } from '../version.ts';
import type { Answer, Check, Probe } from './check.ts';

/** Clocks that differ by less are taken for equal: `Date` has whole seconds only. In seconds. */
const equalClocks = 2;

/** JWTs and tokens fail when clocks differ by more. In seconds. */
const mostSkew = 30;

/** Looks at a service without a credential. The list ends early if nothing answers. */
export async function checkService(probe: Probe): Promise<Check[]> {
  const { url } = probe;
  const checks = [address(url)];
  let live: Answer;
  try {
    live = await probe.ask('GET', '/health/live');
  } catch (error) {
    return [...checks, { check: 'answers', outcome: 'failed', found: `${url}: ${whyNoAnswer(error)}.` }];
  }
  if (live.status !== 200 || live.body['status'] !== 'ok') {
    const found = [502, 503, 504].includes(live.status)
      ? `Something in between answers with status ${live.status}: it has no replica that is ready. Look at the replicas, each by its own address.`
      : `Something answers with status ${live.status}, which is no Stagedoor. Check the address, and what stands in between.`;
    return [...checks, { check: 'answers', outcome: 'failed', found }];
  }
  checks.push({ check: 'answers', outcome: 'ok', found: `It answers after ${Math.round(live.tookMs)} ms.` });
  checks.push(clock(live));
  const ready = await probe.ask('GET', '/health/ready');
  checks.push(readiness(ready), await versions(probe), await metrics(probe));
  return checks;
}

function address(url: string): Check {
  const isOpen = url.startsWith('http:') && !isLocal(url);
  return isOpen
    ? {
        check: 'address',
        outcome: 'warning',
        found: `${url} is not encrypted: whoever sees the traffic sees the credential.`,
      }
    : { check: 'address', outcome: 'ok', found: url };
}

function clock({ headers, tookMs }: Answer): Check {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return { check: 'clock', outcome: 'unknown', found: 'The answer has no Date.' };
  // The service wrote the date about half-way, and cut off the fraction of the second.
  const skew = (Date.now() - tookMs / 2 - (date + 500)) / 1_000;
  const size = Math.abs(skew);
  if (size <= equalClocks)
    return { check: 'clock', outcome: 'ok', found: 'This machine and the service have the same time.' };
  const found = `The clock of this machine is about ${Math.round(size)} s ${skew > 0 ? 'ahead of' : 'behind'} that of the service. Set both by NTP.`;
  return { check: 'clock', outcome: size > mostSkew ? 'failed' : 'warning', found };
}

function readiness({ status, body }: Answer): Check {
  if (status === 200) return { check: 'ready', outcome: 'ok', found: 'The service takes requests.' };
  return {
    check: 'ready',
    outcome: 'failed',
    found: `The service is not ready: ${JSON.stringify(body['details'] ?? body['status'])}`,
  };
}

async function versions(probe: Probe): Promise<Check> {
  const check = 'version';
  const { status, body } = await probe.ask('GET', '/openapi.json');
  const found = (body['info'] as { version?: unknown } | undefined)?.version;
  if (status !== 200 || typeof found !== 'string')
    return { check, outcome: 'unknown', found: 'The service does not tell its version at /openapi.json.' };
  if (found === version()) return { check, outcome: 'ok', found: `The service and stagedoor have version ${found}.` };
  return {
    check,
    outcome: 'warning',
    found: `The service has version ${found}, and stagedoor ${version()}. A command may know too little or too much.`,
  };
}

/** What the metrics tell, by name: the value above which something is wrong, and what. */
const bounds: Record<string, [most: number, problem: string]> = {
  stagedoor_stuck_deliveries: [0, 'calls to IVS are stuck: IVS refuses them'],
  stagedoor_bans_without_delivery: [0, 'bans have no delivery'],
  stagedoor_failing_watches: [0, 'watches fail'],
  stagedoor_secrets_of_old_keys: [0, 'secrets are not sealed with the newest master key yet'],
  stagedoor_clock_skew_seconds: [mostSkew, 'seconds lie between the clocks of the replica and its database'],
};

async function metrics(probe: Probe): Promise<Check> {
  const check = 'metrics';
  const { status, text } = await probe.ask('GET', '/metrics');
  if (status !== 200)
    return {
      check,
      outcome: 'unknown',
      found: `They are not open at this address (status ${status}). Look at their own port.`,
    };
  const wrong = Object.entries(bounds).flatMap(([name, [most, problem]]) => {
    const value = Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
    return Math.abs(value) > most ? [`${value} ${problem}`] : [];
  });
  if (wrong.length > 0) return { check, outcome: 'warning', found: `${wrong.join('; ')}.` };
  const open = isLocal(probe.url) ? '' : ' Whoever reaches this address can read them: set METRICS_PORT.';
  return { check, outcome: open === '' ? 'ok' : 'warning', found: `They tell of nothing that is stuck.${open}` };
}
