/** Three replicas of the service on one Postgres, beside one: what they share must not slow them. */
import { es256Issuer } from '../support/issuers.ts';
import { load } from '../support/load.ts';
import { type Program, processorMs } from '../support/processes.ts';
import { heading, line, median, note, perSecond } from '../support/report.ts';
import { rounds, seconds } from '../support/settings.ts';
import { type Deployment, makeTenant, startDeployment } from '../support/deployment.ts';
import { refuseFailures, vendRequests, warmUp } from '../support/vending.ts';

const connections = 128;
const fastest = 4_000;

interface Run {
  perSecond: number;
  /** Milliseconds of processor time for a vend, of all replicas and of Postgres. */
  service: number;
  postgres: number;
}

export async function replicas(): Promise<void> {
  heading('Replicas: three on one Postgres, beside one, on the same processors');
  note(
    `${connections} connections in all. Three processes share the processors of one, so the same rate is what can be had.`,
  );
  const deployment = await startDeployment();
  const more: { url: string; program: Program }[] = [];
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'replicas', { issuers: [issuer], spaces: 20, signingKey: true });
    const next = vendRequests(tenant, issuer, 6_000, 2);
    await warmUp(deployment, next);
    for (let n = 0; n < 2; n++) more.push(await deployment.addReplica());
    for (const { url } of more) await load({ url, next, connections: 16, seconds: 4 });
    const one = [{ url: deployment.url, pid: deployment.service.pid }];
    const three = [...one, ...more.map(({ url, program }) => ({ url, pid: program.pid }))];
    const runs: { one: Run; three: Run }[] = [];
    for (let round = 0; round < rounds; round++) {
      const requests = vendRequests(tenant, issuer, fastest * seconds, 2);
      runs.push({ one: await measure(deployment, one, requests), three: await measure(deployment, three, requests) });
    }
    const ratio = median(runs.map((run) => run.three.perSecond / run.one.perSecond));
    const middle = runs.find((run) => run.three.perSecond / run.one.perSecond === ratio);
    if (!middle) throw new Error('nothing was measured');
    line('one replica', perSecond(middle.one.perSecond), costs(middle.one));
    line('three replicas', perSecond(middle.three.perSecond), `${ratio.toFixed(2)} of one; ${costs(middle.three)}`);
  } finally {
    for (const { program } of more) await program.stop();
    await deployment.stop();
  }
}

function costs({ service, postgres }: Run): string {
  return `processor ms a vend: service ${service.toFixed(2)} · postgres ${postgres.toFixed(2)}`;
}

async function measure(
  deployment: Deployment,
  targets: { url: string; pid: number }[],
  next: () => Buffer,
): Promise<Run> {
  const used = () => ({
    service: targets.reduce((sum, { pid }) => sum + (processorMs(pid) ?? NaN), 0),
    postgres: processorMs(deployment.postgresPid, true) ?? NaN,
  });
  const before = used();
  const each = Math.floor(connections / targets.length);
  const results = await Promise.all(targets.map(({ url }) => load({ url, next, connections: each, seconds })));
  const after = used();
  for (const result of results) refuseFailures(result);
  const answers = results.reduce((sum, result) => sum + result.answers, 0);
  return {
    perSecond: results.reduce((sum, result) => sum + result.perSecond, 0),
    service: (after.service - before.service) / answers,
    postgres: (after.postgres - before.postgres) / answers,
  };
}
