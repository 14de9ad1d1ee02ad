/** What a credential may do, and what it shows of the state of a tenant. */
import type { Answer, Check, Probe } from './check.ts';

/** The id of a space that nobody has. */
const nobodysSpace = 'spc_00000000000000000000000000';

/** A field that no request has: the service refuses the request for it, after it has looked at the scope. */
const refused = { stagedoorDoctor: true };

/** For each scope, a request that needs it and changes nothing. */
const requests: [scope: string, method: string, path: string, body?: object][] = [
  ['spaces:read', 'GET', '/v1/spaces?limit=1'],
  ['spaces:write', 'POST', '/v1/spaces', refused],
  ['roles:write', 'PUT', '/v1/roles/stagedoor-doctor', refused],
  ['members:write', 'PUT', `/v1/spaces/${nobodysSpace}/members/stagedoor-doctor`, refused],
  ['tokens:vend', 'POST', `/v1/spaces/${nobodysSpace}/join`, refused],
  ['moderation:read', 'GET', '/v1/grants?limit=1'],
  ['moderation:write', 'POST', '/v1/bans', refused],
  ['keys:write', 'GET', '/v1/api-keys?limit=1'],
  ['issuers:write', 'GET', '/v1/issuers?limit=1'],
  ['audit:read', 'GET', '/v1/audit?limit=1'],
  ['events:read', 'GET', '/v1/events?limit=1'],
  ['webhooks:write', 'GET', '/v1/webhooks?limit=1'],
  ['settings:write', 'GET', '/v1/settings'],
  ['privacy:write', 'GET', '/v1/erasures/act_00000000000000000000000000'],
];

/** Checks an API key: that it is valid, and which scopes it has. */
export async function checkApiKey(probe: Probe): Promise<{ checks: Check[]; scopes: Set<string> }> {
  const scopes = new Set<string>();
  const lacking: string[] = [];
  const untold: string[] = [];
  for (const [scope, method, path, body] of requests) {
    const answer = await probe.ask(method, path, body);
    if (answer.status === 401) {
      const found = `The service does not accept it: ${String(answer.body['detail'])}`;
      return { checks: [{ check: 'API key', outcome: 'failed', found }], scopes };
    }
    if (answer.status === 403 && /lacks the scope/.test(String(answer.body['detail']))) lacking.push(scope);
    else if (answer.status === 429 || answer.status >= 500) untold.push(scope);
    // A key that is bound to spaces or roles is refused for its bounds, which the service looks at after the scope.
    else scopes.add(scope);
  }
  const checks: Check[] = [
    { check: 'API key', outcome: 'ok', found: 'The service accepts it.' },
    {
      check: 'scopes',
      outcome: scopes.size === 0 ? 'warning' : 'ok',
      found: `It has ${[...scopes].join(', ') || 'none'}.${lacking.length > 0 ? ` It lacks ${lacking.join(', ')}.` : ''}`,
    },
  ];
  if (untold.length > 0)
    checks.push({ check: 'scopes', outcome: 'unknown', found: `The service had no time for ${untold.join(', ')}.` });
  return { checks, scopes };
}

/** Checks the token of the operator. */
export async function checkOperator(probe: Probe): Promise<Check> {
  const { status, body } = await probe.ask('GET', '/v1/tenants?limit=1');
  const check = 'operator token';
  if (status === 200) return { check, outcome: 'ok', found: 'The service accepts it.' };
  if (status !== 401 && status !== 403)
    return { check, outcome: 'unknown', found: `The service answers with status ${status}.` };
  return { check, outcome: 'failed', found: `The service does not accept it: ${textOf(body['detail'])}` };
}

type Rows = Record<string, unknown>[];

/** Looks at what is known to go wrong in a tenant, as far as the key may see it. */
export async function checkTenant(probe: Probe, scopes: Set<string>): Promise<Check[]> {
  const checks: Check[] = [];
  const look = async (check: string, scope: string, path: string, judge: (rows: Rows) => Omit<Check, 'check'>) => {
    if (!scopes.has(scope)) {
      checks.push({ check, outcome: 'unknown', found: `The key lacks the scope ${scope}.` });
      return;
    }
    const answer = await probe.ask('GET', path);
    checks.push({ check, ...(answer.status === 200 ? judge(rowsOf(answer)) : notTold(answer)) });
  };
  await look('issuers', 'issuers:write', '/v1/issuers?limit=100', (rows) => {
    const bad = rows.filter(({ keys }) => (keys as { usable: number }).usable === 0);
    if (rows.length === 0) return { outcome: 'warning', found: 'There is none, so no user can join by themselves.' };
    if (bad.length === 0) return { outcome: 'ok', found: `${rows.length} with keys that can be used.` };
    const names = bad.map(
      ({ issuer, keys }) => `${String(issuer)} (${(keys as { reason?: string }).reason ?? 'no key was fetched yet'})`,
    );
    return { outcome: 'failed', found: `No key can be used of ${names.join(', ')}. Their users cannot join.` };
  });
  await look('signing keys', 'keys:write', '/v1/signing-keys?limit=100', (rows) => {
    if (rows.some(({ state }) => state === 'active'))
      return { outcome: 'ok', found: 'Stagedoor signs stage tokens itself.' };
    return {
      outcome: 'warning',
      found: 'There is none, so IVS makes each stage token: 50 a second for a whole account.',
    };
  });
  await look('deliveries', 'moderation:read', '/v1/actions?state=pending&limit=100', (rows) => {
    const stuck = rows.flatMap(({ targets }) => (targets as Rows).filter(({ state }) => state === 'stuck'));
    if (stuck.length === 0) return { outcome: 'ok', found: 'No call to IVS is stuck.' };
    const why = [...new Set(stuck.map(({ operation, lastError }) => `${String(operation)}: ${String(lastError)}`))];
    return { outcome: 'failed', found: `IVS refuses ${stuck.length} calls. ${why.join('; ')}` };
  });
  await look('webhooks', 'webhooks:write', '/v1/webhooks?limit=100', (rows) => {
    const bad = rows.filter(({ enabled, failingSince }) => enabled === false || failingSince !== null);
    if (bad.length === 0) return { outcome: 'ok', found: `${rows.length}, and none fails.` };
    return { outcome: 'warning', found: `These fail or are disabled: ${bad.map(({ url }) => String(url)).join(', ')}` };
  });
  return checks;
}

function rowsOf({ body }: Answer): Rows {
  return Array.isArray(body['data']) ? (body['data'] as Rows) : [];
}

function notTold({ status, body }: Answer): Omit<Check, 'check'> {
  return { outcome: 'unknown', found: `The service answers with status ${status}: ${textOf(body['detail'])}` };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : 'it says no more.';
}
