/** What the service finds out about itself for the operator: settings, database, and permissions at IVS. */
import type { Answer, Check, Probe } from './check.ts';

/** Checks the settings of the replica that answers, and its database. */
export async function checkDeployment(probe: Probe): Promise<Check[]> {
  return checksOf(await probe.ask('GET', '/v1/checks'), 'settings and database');
}

/** Checks what AWS lets the service do: in its own account, or in that of a tenant. */
export async function checkPermissions(probe: Probe, tenantId: string | undefined): Promise<Check[]> {
  const query = tenantId === undefined ? '' : `?tenantId=${encodeURIComponent(tenantId)}`;
  const absent = tenantId === undefined ? undefined : 'There is no such tenant.';
  const checks = checksOf(await probe.ask('GET', `/v1/checks/ivs${query}`), 'IVS permissions', absent);
  return tenantId === undefined ? [...checks, ...(await otherAccounts(probe))] : checks;
}

/** Tells of tenants whose AWS accounts were not looked at. */
async function otherAccounts(probe: Probe): Promise<Check[]> {
  const { status, body } = await probe.ask('GET', '/v1/tenants?limit=100');
  const tenants = status === 200 ? (body['data'] as { slug: string; aws: object | null }[]) : [];
  const [first, ...more] = tenants.filter(({ aws }) => aws !== null);
  if (first === undefined) return [];
  const number = `${1 + more.length}${tenants.length === 100 ? ' or more' : ''}`;
  const found = `${number} of the tenants have one, which was not looked at. Look at each: stagedoor doctor --tenant ${first.slug}`;
  return [{ check: 'AWS accounts of tenants', outcome: 'unknown', found }];
}

/** @param absent what a 404 means. */
function checksOf({ status, body }: Answer, what: string, absent = 'The service is older than this command.'): Check[] {
  if (status === 200) return body['data'] as Check[];
  const { detail } = body;
  const found = typeof detail === 'string' ? detail : `The service answers with status ${status}.`;
  return [{ check: what, outcome: 'unknown', found: status === 404 ? absent : found }];
}
