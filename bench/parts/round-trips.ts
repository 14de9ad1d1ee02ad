/** The round trips to Postgres for a vend. */
import { setTimeout as delay } from 'node:timers/promises';

import { es256Issuer } from '../support/issuers.ts';
import { countQueries, type QueryCounter } from '../support/query-counter.ts';
import { heading, line } from '../support/report.ts';
import { makeTenant, startDeployment, type Tenant } from '../support/deployment.ts';

/** A user may vend 30 times in a minute, and a few vends come before these. */
const vends = 20;

export async function roundTrips(): Promise<void> {
  heading('Round trips to Postgres a vend, counted on the wire');
  const deployment = await startDeployment();
  const counter = await countQueries(deployment.serviceUrl);
  try {
    const issuer = es256Issuer('https://es256.example');
    const byIvs = await makeTenant(deployment, 'ivs', { issuers: [issuer] });
    await deployment.restart({ DATABASE_URL: counter.url });
    await count(counter, byIvs, issuer.token('somebody'), 'stage-tokens', 'stage token made by IVS');
    await count(counter, byIvs, issuer.token('else'), 'join', 'stage and chat token made by IVS');
    await byIvs.api.call('POST', '/v1/signing-keys');
    await count(counter, byIvs, issuer.token('third'), 'stage-tokens', 'stage token signed here');
    await count(counter, byIvs, issuer.token('fourth'), 'join', 'stage token signed here, chat token by IVS');
  } finally {
    counter.stop();
    await deployment.stop();
  }
}

async function count(counter: QueryCounter, tenant: Tenant, jwt: string, route: string, what: string): Promise<void> {
  const asUser = tenant.api.as(jwt);
  const path = `/v1/spaces/${tenant.spaceIds[0]}/${route}`;
  // The first vends also make the queries that come once for each connection and once for each issuer.
  for (let i = 0; i < 5; i++) await asUser.call('POST', path);
  await delay(1_500); // and the sealing of the audit entries of what came before
  counter.take();
  let done = 0;
  for (; done < vends; done++) await asUser.call('POST', path);
  const counts = Object.entries(counter.take());
  // A call for many vends at once has a name of its own, such as `admit_groups`. `settle_allowances` is of the limits that replicas share.
  const isOf = (step: string, name: string) => new RegExp(`^${step}(_one|_groups?)?$`).test(name);
  const named = (step: string) => counts.filter(([name]) => isOf(step, name)).reduce((sum, [, n]) => sum + n, 0);
  const [admit, settle] = [named('admit'), named('settle')];
  const background = counts
    .filter(([name]) => !isOf('admit', name) && !isOf('settle', name))
    .map(([name, times]) => `${name} ${times}`);
  line(
    what,
    ((admit + settle) / done).toFixed(2),
    `admit ${(admit / done).toFixed(2)}, settle ${(settle / done).toFixed(2)}${background.length > 0 ? `; in the background, for all of them together: ${background.join(', ')}` : ''}`,
  );
}
