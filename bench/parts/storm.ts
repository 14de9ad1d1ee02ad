/** Overload: many users ask for tokens at the same moment. */
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { post } from '../support/load.ts';
import { memoryMb } from '../support/processes.ts';
import { makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { storm } from '../support/storm.ts';
import { seconds } from '../support/settings.ts';
import { vend, vendRequests, warmUp } from '../support/vending.ts';

/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 128;
const people = 5_000;

export async function storms(): Promise<void> {
  heading('A storm: 5,000 users ask for a stage token at the same moment, each over a connection of its own');
  note('Who is told to come back does so after that time. Goodput: tokens a second until the last user has one.');
  const deployment = await startDeployment();
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'storm', { issuers: [issuer], spaces: 20, signingKey: true });
    await warmUp(deployment, vendRequests(tenant, issuer, 6_000, 2));
    for (let round = 0; round < 2; round++) await measure(deployment, tenant, issuer, round);
  } finally {
    await deployment.stop();
  }
}

async function measure(deployment: Deployment, tenant: Tenant, issuer: Issuer, round: number): Promise<void> {
  const capacity = async () =>
    (await vend(deployment, { next: vendRequests(tenant, issuer, 2_500 * seconds, 1), connections, seconds }))
      .perSecond;
  const capacityBefore = await capacity();
  const requests = Array.from({ length: people }, (_, n) =>
    post(`/v1/spaces/${tenant.spaceIds[n % tenant.spaceIds.length]}/stage-tokens`, issuer.token(`storm-${round}-${n}`)),
  );
  const before = memoryMb(deployment.service.pid)?.resident ?? NaN;
  const result = await storm({ url: deployment.url, requests, seconds: 60 });
  const after = memoryMb(deployment.service.pid)?.resident ?? NaN;
  const goodput = result.served / result.seconds;
  // Other work of the machine slows both alike, if the capacity is measured on both sides of the storm.
  const vendsPerSecond = (capacityBefore + (await capacity())) / 2;
  const refusals = Object.entries(result.refusals).map(([what, times]) => `${times} × ${what}`);
  line(
    `${result.served.toLocaleString('en')} of ${people.toLocaleString('en')} served`,
    perSecond(goodput),
    `${(goodput / vendsPerSecond).toFixed(2)} of the capacity (${perSecond(vendsPerSecond)}), within ${result.seconds.toFixed(1)} s`,
  );
  line('  refusals', '', `${refusals.join(', ') || 'none'}; ${result.cut} cut off without an answer`);
  line(
    '  the first answer',
    '',
    `p50 ${ms(result.first.p50)} · p99 ${ms(result.first.p99)} · max ${ms(result.first.max)}`,
  );
  line('  the token', '', `p50 ${ms(result.whole.p50)} · p99 ${ms(result.whole.p99)} · max ${ms(result.whole.max)}`);
  line('  memory of the service', '', `${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after`);
}
