/** The cost of a vend among many tenants, grants and bans. */
import { setTimeout as delay } from 'node:timers/promises';

import { addBans, addGrants, addTenants, bulkSpaceId, bulkSpaceSql, vacuum } from '../support/bulk-data.ts';
import { post } from '../support/load.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { seconds } from '../support/settings.ts';
import { makeTenant, type Deployment, startDeployment, type Tenant, withClient } from '../support/deployment.ts';
import { vend, vendRequests, type Vending, warmUp } from '../support/vending.ts';

/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 128;
/** Grants and bans of the tenant that vends, when it has many. There are a tenth as many tenants. */
const rows = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
/** Tenants that vend, spread over all tenants. */
const sampled = 500;

export async function growth(): Promise<void> {
  heading('Growth: a vend (key-pair mint) among many tenants and grants, row-level security on');
  note('The service keeps its connections, and so its query plans, from the time at which the database was empty.');
  const deployment = await startDeployment();
  try {
    await withClient(deployment.superuserUrl, (client) => client.query(bulkSpaceSql));
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'big', { issuers: [issuer], spaces: 20, signingKey: true });
    await warmUp(deployment, vendRequests(tenant, issuer, 6_000, 2));
    let tenants = 0;
    const series: Vending[] = [];
    // Among 10 tenants many vends of a tenant meet and share their statements. Among 1,000 hardly two do.
    for (const many of [10, 1_000, rows / 10]) {
      await addTenants(deployment, issuer, tenants, many);
      tenants = many;
      await vacuum(deployment);
      const what = `${many.toLocaleString('en')} tenants, vends spread over them`;
      series.push(await measure(deployment, what, fromMany(issuer, many)));
    }
    const [together, apart, last] = series.splice(0);
    printRatio('the most tenants beside 1,000', apart, last);
    printRatio('1,000 tenants beside 10', together, apart);
    let grants = 0;
    for (const many of [rows / 100, rows]) {
      await addGrants(deployment, tenant.id, tenant.spaceIds, grants, many);
      grants = many;
      await vacuum(deployment);
      const next = vendRequests(tenant, issuer, 3_000 * seconds, 4);
      series.push(
        await measure(deployment, `… and ${many.toLocaleString('en')} grants of the tenant that vends`, next),
      );
    }
    printRatio('the most beside the fewest', series[0], series[1]);
    await nearlyFull(deployment, tenant, issuer);
  } finally {
    await deployment.stop();
  }
}

export async function bans(): Promise<void> {
  heading('The ban check: a vend (key-pair mint) beside bans of others in the same tenant');
  const deployment = await startDeployment();
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(deployment, 'strict', { issuers: [issuer], signingKey: true });
    await warmUp(deployment, vendRequests(tenant, issuer, 6_000, 2));
    let there = 0;
    const series: Vending[] = [];
    for (const many of [0, rows]) {
      await addBans(deployment, tenant.id, tenant.spaceIds[0] ?? '', there, many);
      there = many;
      await vacuum(deployment);
      const next = vendRequests(tenant, issuer, 3_000 * seconds, 4);
      series.push(await measure(deployment, `${many.toLocaleString('en')} bans`, next));
    }
    printRatio('the most beside the fewest', series[0], series[1]);
  } finally {
    await deployment.stop();
  }
}

function printRatio(what: string, fewest: Vending | undefined, most: Vending | undefined): void {
  const ratio = (most?.perSecond ?? NaN) / (fewest?.perSecond ?? NaN);
  line(`  ${what}`, ratio.toFixed(2), '0.95 is wanted');
}

/** What Postgres reads from the disk cache and writes: it does not depend on how busy the machine is. */
interface Traffic {
  blocksRead: number;
  walKb: number;
  fullPages: number;
}

async function trafficSoFar(deployment: Deployment): Promise<Traffic> {
  return await withClient(deployment.superuserUrl, async (client) => {
    const { rows } = await client.query<{ read: number; bytes: number; pages: number }>(
      `select (select sum(blks_read) from pg_stat_database)::float as read, wal_bytes::float as bytes,
              wal_fpi::float as pages from pg_stat_wal`,
    );
    const { read = NaN, bytes = NaN, pages = NaN } = rows[0] ?? {};
    return { blocksRead: read, walKb: bytes / 1_000, fullPages: pages };
  });
}

/** Vends that were decided in groups, their calls, and the tenants in those calls. */
interface Grouped {
  vends: number;
  calls: number;
  tenants: number;
}

async function groupsSoFar({ url }: Deployment): Promise<Grouped> {
  // The service collects its metrics once in a second at most.
  await delay(1_100);
  const text = await (await fetch(`${url}/metrics`)).text();
  const read = (name: string) =>
    Number(new RegExp(`^stagedoor_vend_group_${name}\\{step="admit"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { vends: read('size_sum'), calls: read('size_count'), tenants: read('tenants_sum') };
}

/**
 * Two runs, of which the second counts: the first one touches the pages that the filling has left alone since the last
 * checkpoint, and fills the caches.
 */
async function measure(deployment: Deployment, what: string, next: () => Buffer): Promise<Vending> {
  await vend(deployment, { next, connections, seconds: Math.min(3, seconds) });
  const grouped = await groupsSoFar(deployment);
  const before = await trafficSoFar(deployment);
  const result = await vend(deployment, { next, connections, seconds });
  const after = await trafficSoFar(deployment);
  const now = await groupsSoFar(deployment);
  const [vends, calls, tenants] = (['vends', 'calls', 'tenants'] as const).map((name) => now[name] - grouped[name]);
  const each = (name: keyof Traffic, digits: number) => ((after[name] - before[name]) / result.answers).toFixed(digits);
  const { postgres, service } = result.processorMs ?? {};
  const cost =
    postgres === undefined || service === undefined
      ? ''
      : `processor ms a vend: service ${service.toFixed(2)} · postgres ${postgres.toFixed(2)}; `;
  line(
    what,
    perSecond(result.perSecond),
    `${cost}${each('walKb', 1)} kB of WAL with ${each('fullPages', 2)} full pages, ${each('blocksRead', 1)} blocks read`,
  );
  line(
    '  in groups',
    `${Math.round(((vends ?? 0) / result.answers) * 100)} %`,
    calls
      ? `${((vends ?? 0) / calls).toFixed(1)} vends of ${((tenants ?? 0) / calls).toFixed(1)} tenants in a call`
      : '',
  );
  return result;
}

/** Requests of users of many tenants. */
function fromMany(issuer: Issuer, tenants: number): () => Buffer {
  const requests = Array.from({ length: 5_000 }, (_, index) => {
    const n = Math.floor(((index % sampled) / sampled) * tenants);
    const token = issuer.token(`user-${index}`, `https://bulk-${n}.example`);
    return post(`/v1/spaces/${bulkSpaceId(n)}/stage-tokens`, token);
  });
  let at = 0;
  return () => requests[at++ % requests.length] ?? Buffer.alloc(0);
}

/** Vends into spaces with a capacity: the most expensive check, because a space takes one vend at a time. */
async function nearlyFull(deployment: Deployment, tenant: Tenant, issuer: Issuer): Promise<void> {
  const [spaceId = ''] = tenant.spaceIds;
  for (const capacity of [1_000, 10_000]) {
    const space = { name: 'Limited', defaultRole: 'speaker', capacity };
    const { id } = await tenant.api.call<{ id: string }>('POST', '/v1/spaces', space);
    // The space stays nine tenths full for longer than the measurement takes.
    await withClient(deployment.superuserUrl, (client) =>
      client.query(
        `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state,
                             expires_at, session_expires_at)
         select tenant_id, 'grt_full' || $2 || n, $2, 'guest-' || n, 'guest-' || n, 'stage', 'speaker', '{}', 'released',
                now() + interval '1 hour', now() + interval '1 hour'
           from spaces, generate_series(1, $3::int) n where id = $1`,
        [spaceId, id, capacity * 0.9],
      ),
    );
    const requests = (people: number) =>
      Array.from({ length: people }, (_, n) => post(`/v1/spaces/${id}/stage-tokens`, issuer.token(`p-${id}-${n}`)));
    const newcomers = requests(50).values();
    const added = await vend(deployment, {
      next: () => newcomers.next().value ?? Buffer.alloc(0),
      connections: 4,
      seconds: 2,
      rate: 20,
    });
    // The same twenty users, who have places already, vend again.
    const inside = requests(20);
    let at = 0;
    const next = () => inside[at++ % inside.length] ?? Buffer.alloc(0);
    const kept = await vend(deployment, { next, connections: 4, seconds: 2, rate: 100 });
    line(
      `a space nine tenths full, capacity ${capacity.toLocaleString('en')}`,
      '',
      `p50 ${ms(added.p50)} for newcomers at 20/s, ${ms(kept.p50)} for who is inside at 100/s`,
    );
  }
}
