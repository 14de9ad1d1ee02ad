/**
 * Vending with tokens that the service signs, compared with the rate at which this machine can sign, and with what a team
 * would write by hand.
 */
import os from 'node:os';

import { es256Issuer, hs256Issuer, type Issuer } from '../support/issuers.ts';
import { heading, line, median, note, perSecond } from '../support/report.ts';
import { load, type LoadResult } from '../support/load.ts';
import { opensslVariables } from '../support/openssl.ts';
import { type Peer, startPeer } from '../support/peer.ts';
import { processorMs } from '../support/processes.ts';
import { rounds, seconds } from '../support/settings.ts';
import { signingLimit } from '../support/signing-limit.ts';
import { makeTenant, type Deployment, startDeployment, type Tenant } from '../support/deployment.ts';
import {
  printCosts,
  printLatency,
  refuseFailures,
  vend,
  vendRequests,
  type Vending,
  warmUp,
} from '../support/vending.ts';

/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 128;
const cores = os.availableParallelism();
/** More vends a second than any machine makes, so that no JWT is used again unless it is meant to be. */
const fastest = 4_000;

interface Mix {
  name: string;
  issuer: Issuer;
  uses: number;
  /** Whether the hand-written peer knows this issuer. */
  withPeer?: boolean;
}

interface Run {
  limit: number;
  vending: Vending;
  peer: { result: LoadResult; costs: string } | undefined;
}

export async function vendKeyPair(): Promise<void> {
  heading('Vending, key-pair mint: POST /v1/spaces/{id}/stage-tokens with a user JWT, the grant committed');
  note(`${connections} connections; the load generator and Postgres share the processors with the service.`);
  note(
    'The peer is written by hand (bench/peer): the same checks as six queries in a transaction, the same signature.',
  );
  const deployment = await startDeployment();
  let peer: Peer | undefined;
  try {
    const es256 = es256Issuer('https://es256.example');
    const hs256 = hs256Issuer('https://hs256.example');
    const tenant = await makeTenant(deployment, 'key-pair', { issuers: [es256, hs256], spaces: 20, signingKey: true });
    peer = await startPeer(deployment, tenant, es256);
    const mixes: Mix[] = [
      { name: 'each JWT new (never from the cache), ES256', issuer: es256, uses: 1, withPeer: true },
      { name: 'each JWT seen 4 times (3 of 4 from the cache), ES256', issuer: es256, uses: 4 },
      { name: 'each JWT new (never from the cache), HS256', issuer: hs256, uses: 1 },
    ];
    const next = vendRequests(tenant, es256, 6_000, 2);
    for (let vends = 0, round = 0; vends < 2_000 && round < 5; round++)
      vends += (await loadPeer(peer, next, 2)).answers;
    await warmUp(deployment, next);
    for (const mix of mixes) await measure(deployment, tenant, mix, peer);
    if (Object.keys(opensslVariables()).length > 0) await measureOwnOpenssl(deployment, tenant, es256);
  } finally {
    await peer?.program.stop();
    await deployment.stop();
  }
}

async function loadPeer({ url }: Peer, next: () => Buffer, forSeconds: number): Promise<LoadResult> {
  const result = await load({ url, connections, seconds: forSeconds, next });
  refuseFailures(result);
  return result;
}

/** Measures the signing limit, the peer and the vends in turn, so that other work of the machine slows all alike. */
async function measure(deployment: Deployment, tenant: Tenant, mix: Mix, peer: Peer): Promise<void> {
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await measureOnce(deployment, tenant, mix, peer));
  const share = median(runs.map(({ limit, vending }) => vending.perSecond / limit));
  const middle = runs.find(({ limit, vending }) => vending.perSecond / limit === share);
  if (!middle) throw new Error('nothing was measured');
  const { limit, vending } = middle;
  line(mix.name, perSecond(vending.perSecond), `${share.toFixed(2)} of the signing limit (${perSecond(limit)})`);
  line('  on each core', perSecond(vending.perSecond / cores), 'with everything else on the same cores');
  printCosts(vending);
  const ratios = runs.flatMap((run) => (run.peer ? [run.vending.perSecond / run.peer.result.perSecond] : []));
  const besides = runs.find((run) => run.peer && run.vending.perSecond / run.peer.result.perSecond === median(ratios));
  if (besides?.peer) {
    const { result, costs } = besides.peer;
    const beside = `the service serves ${median(ratios).toFixed(2)} times as many`;
    line('  the peer', perSecond(result.perSecond), `${beside}; ${perSecond(result.perSecond / cores)} on each core`);
    line('  the peer: processor ms a vend', '', costs);
  }
  const rate = vending.perSecond / 2;
  const next = vendRequests(tenant, mix.issuer, fastest * 5, mix.uses);
  const half = await vend(deployment, { next, connections, seconds: 5, rate });
  printLatency(`half load (${perSecond(rate)})`, half);
}

async function measureOnce(deployment: Deployment, tenant: Tenant, mix: Mix, peer: Peer): Promise<Run> {
  const { issuer, uses, withPeer = false } = mix;
  const next = () => vendRequests(tenant, issuer, fastest * seconds, uses);
  const before = await signingLimit(2);
  const vending = await vend(deployment, { next: next(), connections, seconds });
  const beside = withPeer ? await measurePeer(deployment, peer, next()) : undefined;
  return { limit: (before + (await signingLimit(2))) / 2, vending, peer: beside };
}

/** Measures the service with the OpenSSL that OPENSSL_CONF names, and a replica with that of Node, in turn. */
async function measureOwnOpenssl(deployment: Deployment, tenant: Tenant, issuer: Issuer): Promise<void> {
  const own = await deployment.addReplica({ OPENSSL_CONF: undefined, OPENSSL_MODULES: undefined });
  try {
    const ways = [
      { url: deployment.url, program: deployment.service, costs: [] as number[] },
      { ...own, costs: [] as number[] },
    ] as const;
    await load({ url: own.url, connections, seconds: 5, next: vendRequests(tenant, issuer, 6_000, 1) });
    for (let round = 0; round < rounds; round++) {
      for (const { url, program, costs } of ways) {
        const next = vendRequests(tenant, issuer, fastest * seconds, 1);
        const before = processorMs(program.pid) ?? NaN;
        const result = await load({ url, connections, seconds, next });
        refuseFailures(result);
        costs.push(((processorMs(program.pid) ?? NaN) - before) / result.answers);
      }
    }
    const [named, nodes] = ways.map(({ costs }) => median(costs)) as [number, number];
    line(
      'processor ms of the service a vend, with OPENSSL_CONF',
      named.toFixed(2),
      `${(named / nodes).toFixed(2)} of ${nodes.toFixed(2)} with the OpenSSL of Node`,
    );
  } finally {
    await own.program.stop();
  }
}

async function measurePeer(deployment: Deployment, peer: Peer, next: () => Buffer): Promise<NonNullable<Run['peer']>> {
  const used = () => ({
    peer: processorMs(peer.program.pid),
    postgres: processorMs(deployment.postgresPid, true),
    generator: processorMs(process.pid),
  });
  const before = used();
  const result = await loadPeer(peer, next, seconds);
  const after = used();
  const costs = (['peer', 'postgres', 'generator'] as const).map((who) => {
    const [from, to] = [before[who], after[who]];
    return from === undefined || to === undefined
      ? `${who} unknown`
      : `${who} ${((to - from) / result.answers).toFixed(2)}`;
  });
  return { result, costs: costs.join(' · ') };
}
