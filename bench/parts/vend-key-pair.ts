/** Vending with tokens that the service signs, compared with the rate at which this machine can sign. */
import { es256Issuer, hs256Issuer, type Issuer } from '../support/issuers.ts';
import { heading, line, median, note, perSecond } from '../support/report.ts';
import { rounds, seconds } from '../support/settings.ts';
import { signingLimit } from '../support/signing-limit.ts';
import { makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { printCosts, printLatency, vend, vendRequests, type Vending, warmUp } from '../support/vending.ts';

const connections = 32;
/** More vends a second than any machine makes, so that no JWT is used again unless it is meant to be. */
const fastest = 2_500;

interface Mix {
  name: string;
  issuer: Issuer;
  uses: number;
}

export async function vendKeyPair(): Promise<void> {
  heading('Vending, key-pair mint: POST /v1/spaces/{id}/stage-tokens with a user JWT, the grant committed');
  note(`${connections} connections; the load generator and Postgres share the processors with the service.`);
  const deployment = await startDeployment();
  try {
    const es256 = es256Issuer('https://es256.example');
    const hs256 = hs256Issuer('https://hs256.example');
    const tenant = await makeTenant(deployment, 'key-pair', { issuers: [es256, hs256], spaces: 20, signingKey: true });
    const mixes: Mix[] = [
      { name: 'each JWT seen 4 times (3 of 4 from the cache), ES256', issuer: es256, uses: 4 },
      { name: 'each JWT new (never from the cache), ES256', issuer: es256, uses: 1 },
      { name: 'each JWT new (never from the cache), HS256', issuer: hs256, uses: 1 },
    ];
    await warmUp(deployment, vendRequests(tenant, es256, 6_000, 2));
    for (const mix of mixes) await measure(deployment, tenant, mix);
  } finally {
    await deployment.stop();
  }
}

/** Measures the signing limit and the vends in turn, so that other work of the machine slows both alike. */
async function measure(deployment: Deployment, tenant: Tenant, { name, issuer, uses }: Mix): Promise<void> {
  const runs: { limit: number; vending: Vending }[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await signingLimit(2);
    const next = vendRequests(tenant, issuer, fastest * seconds, uses);
    const vending = await vend(deployment, { next, connections, seconds });
    runs.push({ limit: (before + (await signingLimit(2))) / 2, vending });
  }
  const share = median(runs.map(({ limit, vending }) => vending.perSecond / limit));
  const middle = runs.find(({ limit, vending }) => vending.perSecond / limit === share);
  if (!middle) throw new Error('nothing was measured');
  const { limit, vending } = middle;
  line(name, perSecond(vending.perSecond), `${share.toFixed(2)} of the signing limit (${perSecond(limit)})`);
  printCosts(vending);
  const rate = vending.perSecond / 2;
  const half = await vend(deployment, {
    next: vendRequests(tenant, issuer, fastest * 5, uses),
    connections,
    seconds: 5,
    rate,
  });
  printLatency(`half load (${perSecond(rate)})`, half);
}
