/** What a vend costs as tenants, grants and bans become many. */
import { addBans, addGrants, addTenants, bulkSpaceId, bulkSpaceSql, settleDown } from '../support/crowd.ts';
import { post } from '../support/load.ts';
import { es256Issuer, type Issuer } from '../support/people.ts';
import { heading, line, ms, note, perSecond } from '../support/report.ts';
import { seconds } from '../support/settings.ts';
import { makeTenant, type Stand, startStand, type Tenant, withClient } from '../support/stand.ts';
import { vend, vendRequests, warmUp } from '../support/vending.ts';

const connections = 32;
/** The tenants that vend, spread over all there are. */
const sampled = 500;

export async function growth(): Promise<void> {
  heading('Growth: a vend (key-pair mint) among many tenants and grants, row-level security on');
  note('The service keeps its connections, and with them its plans, from the empty database on.');
  const stand = await startStand();
  try {
    await withClient(stand.superuserUrl, (client) => client.query(bulkSpaceSql));
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(stand, 'big', { issuers: [issuer], spaces: 20, signingKey: true });
    await warmUp(stand, vendRequests(tenant, issuer, 6_000, 2));
    let tenants = 0;
    for (const many of [10, 1_000, 100_000]) {
      await addTenants(stand, issuer, tenants, many);
      tenants = many;
      await settleDown(stand);
      await measure(stand, `${many.toLocaleString('en')} tenants, vends spread over them`, fromMany(issuer, many));
    }
    let grants = 0;
    for (const many of [10_000, 100_000, 1_000_000]) {
      await addGrants(stand, tenant.id, tenant.spaceIds, grants, many);
      grants = many;
      await settleDown(stand);
      const next = vendRequests(tenant, issuer, 1_000 * seconds, 4);
      await measure(stand, `… and ${many.toLocaleString('en')} grants of the tenant that vends`, next);
    }
    await nearlyFull(stand, tenant, issuer);
  } finally {
    await stand.stop();
  }
}

export async function bans(): Promise<void> {
  heading('The ban check: a vend (key-pair mint) beside bans of others in the same tenant');
  const stand = await startStand();
  try {
    const issuer = es256Issuer('https://es256.example');
    const tenant = await makeTenant(stand, 'strict', { issuers: [issuer], signingKey: true });
    await warmUp(stand, vendRequests(tenant, issuer, 6_000, 2));
    let there = 0;
    for (const many of [0, 10_000, 1_000_000]) {
      await addBans(stand, tenant.id, tenant.spaceIds[0] ?? '', there, many);
      there = many;
      await settleDown(stand);
      const next = vendRequests(tenant, issuer, 1_000 * seconds, 4);
      await measure(stand, `${many.toLocaleString('en')} bans`, next);
    }
  } finally {
    await stand.stop();
  }
}

async function measure(stand: Stand, what: string, next: () => Buffer): Promise<void> {
  await vend(stand, { next, connections, seconds: 1 });
  const result = await vend(stand, { next, connections, seconds });
  const { postgres } = result.processorMs ?? {};
  const cost = postgres === undefined ? '' : `${postgres.toFixed(2)} ms of processor in Postgres a vend, `;
  line(what, perSecond(result.perSecond), `${cost}p50 ${ms(result.p50)} at full load`);
}

/** Users of tenants spread over all of them. */
function fromMany(issuer: Issuer, tenants: number): () => Buffer {
  const requests = Array.from({ length: 5_000 }, (_, index) => {
    const n = Math.floor(((index % sampled) / sampled) * tenants);
    const token = issuer.token(`user-${index}`, `https://bulk-${n}.example`);
    return post(`/v1/spaces/${bulkSpaceId(n)}/stage-tokens`, token);
  });
  let at = 0;
  return () => requests[at++ % requests.length] ?? Buffer.alloc(0);
}

/** A capacity has to be counted against: the dearest check there is, and one vend to a space at a time. */
async function nearlyFull(stand: Stand, tenant: Tenant, issuer: Issuer): Promise<void> {
  const [spaceId = ''] = tenant.spaceIds;
  for (const capacity of [1_000, 10_000]) {
    const space = { name: 'Limited', defaultRole: 'speaker', capacity };
    const { id } = await tenant.api.call<{ id: string }>('POST', '/v1/spaces', space);
    // Nine tenths full, for longer than the measurement takes.
    await withClient(stand.superuserUrl, (client) =>
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
    const added = await vend(stand, {
      next: () => newcomers.next().value ?? Buffer.alloc(0),
      connections: 4,
      seconds: 2,
      rate: 20,
    });
    // The same twenty again and again: they have their places.
    const inside = requests(20);
    let at = 0;
    const next = () => inside[at++ % inside.length] ?? Buffer.alloc(0);
    const kept = await vend(stand, { next, connections: 4, seconds: 2, rate: 100 });
    line(
      `a space nine tenths full, capacity ${capacity.toLocaleString('en')}`,
      '',
      `p50 ${ms(added.p50)} for newcomers at 20/s, ${ms(kept.p50)} for who is inside at 100/s`,
    );
  }
}
