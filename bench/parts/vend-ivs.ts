/** Vending with tokens that IVS makes, compared with a handler that only passes the call on. */
import os from 'node:os';
import path from 'node:path';

import { freePort } from '../../dev/postgres.ts';
import { load, type LoadResult } from '../support/load.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { processorMs, type Program, startProgram, untilOk } from '../support/processes.ts';
import { heading, line, median, ms, note, perSecond } from '../support/report.ts';
import { ivsCredentials, makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import { rounds, seconds } from '../support/settings.ts';
import { printCosts, printLatency, vend, vendRequests, type Vending, warmUp } from '../support/vending.ts';

/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 128;
const fastest = 1_500;

export async function vendIvs(): Promise<void> {
  heading('Vending, ivs mint: CreateParticipantToken at the emulator, two transactions around it');
  note('Beside a bare Fastify handler that calls the same emulator with the AWS SDK and checks nothing.');
  const deployment = await startDeployment();
  const bare = { url: `http://127.0.0.1:${await freePort()}`, program: undefined as Program | undefined };
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'ivs', { issuers: [issuer], spaces: 20 });
    bare.program = await startBareHandler(bare.url, deployment, tenant);
    const next = vendRequests(tenant, issuer, 6_000, 2);
    await warmUp(deployment, next);
    await load({ url: bare.url, next, connections, seconds: 5 });
    await measure(deployment, tenant, issuer, { url: bare.url, pid: bare.program.pid });
  } finally {
    await bare.program?.stop();
    await deployment.stop();
  }
}

async function startBareHandler(url: string, deployment: Deployment, tenant: Tenant): Promise<Program> {
  const space = await tenant.api.call<{ stage: { arn: string } }>('GET', `/v1/spaces/${tenant.spaceIds[0]}`);
  const { PATH } = process.env;
  const env = {
    PATH,
    PORT: new URL(url).port,
    IVS_ENDPOINT: deployment.ivsUrl,
    STAGE_ARN: space.stage.arn,
    ...ivsCredentials,
  };
  const log = path.join(os.tmpdir(), 'stagedoor-bench-bare-handler.log');
  const program = startProgram([path.join(import.meta.dirname, '../support/bare-handler.ts')], env, log);
  await untilOk(`${url}/health/ready`, log);
  return program;
}

interface Run {
  bare: LoadResult;
  barePerCall: number | undefined;
  vending: Vending;
}

async function measure(
  deployment: Deployment,
  tenant: Tenant,
  issuer: Issuer,
  bare: { url: string; pid: number },
): Promise<void> {
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    const next = vendRequests(tenant, issuer, fastest * seconds, 4);
    const before = processorMs(bare.pid);
    const result = await load({ url: bare.url, next, connections, seconds });
    const after = processorMs(bare.pid);
    const barePerCall = before === undefined || after === undefined ? undefined : (after - before) / result.answers;
    runs.push({ bare: result, barePerCall, vending: await vend(deployment, { next, connections, seconds }) });
  }
  const share = median(runs.map(({ bare, vending }) => vending.perSecond / bare.perSecond));
  const middle = runs.find(({ bare, vending }) => vending.perSecond / bare.perSecond === share);
  if (!middle) throw new Error('nothing was measured');
  const { vending } = middle;
  line(
    'each JWT seen 4 times (3 of 4 from the cache), ES256',
    perSecond(vending.perSecond),
    `${share.toFixed(2)} of the bare handler (${perSecond(middle.bare.perSecond)})`,
  );
  printCosts(vending);
  if (middle.barePerCall !== undefined) line('  the bare handler', '', `${ms(middle.barePerCall)} of processor a call`);
  const rate = vending.perSecond / 2;
  const next = vendRequests(tenant, issuer, fastest * 5, 4);
  printLatency(`half load (${perSecond(rate)})`, await vend(deployment, { next, connections, seconds: 5, rate }));
}
