import type { ApiKeyCaller, UserCaller } from '../caller.ts';
import type { Settings } from '../config.ts';
import type { CredentialDatabase } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { CallerLimits, type RequestKind } from './caller-limits.ts';
import { SharedAllowances } from './shared-allowances.ts';
import type { TenantLimits } from './tenant-limits.ts';

const settings = {
  requestsPerUserPerMinute: 5,
  vendsPerUserPerMinute: 1,
  requestsPerApiKeyPerMinute: 50,
  vendsPerApiKeyPerMinute: 40,
  actsPerModeratorPerMinute: 2,
  actsPerApiKeyPerMinute: 3,
} as Settings;
const ofTenant = { requestsPerMinute: 60, vendsPerMinute: 60, requestsAtOnce: 3, weight: 1 };
const away = { call: () => Promise.reject(new Problem('unavailable', 'away')) } as unknown as CredentialDatabase;
let limits: CallerLimits;

beforeEach(() => {
  jest.useFakeTimers();
  const tenants = { of: () => ofTenant } as unknown as TenantLimits;
  limits = new CallerLimits(settings, tenants, new SharedAllowances(away), new Metrics());
});

afterEach(async () => {
  await jest.advanceTimersByTimeAsync(5_000);
  jest.useRealTimers();
});

const user = (id: string, tenantId = 'ten_a') => ({ kind: 'user', id, tenantId }) as UserCaller;
const key = (id: string, tenantId = 'ten_a') => ({ kind: 'apiKey', id, tenantId }) as ApiKeyCaller;

/** How many of so many requests are let through, and what the first refused one is told. */
async function send(caller: UserCaller | ApiKeyCaller, kind: RequestKind, times: number) {
  const all = Promise.allSettled(Array.from({ length: times }, () => limits.take(caller, kind)));
  await jest.advanceTimersByTimeAsync(1);
  await jest.advanceTimersByTimeAsync(1_500); // the database turns out to be away
  const outcomes = await all;
  const refused = outcomes.find((one) => one.status === 'rejected');
  return {
    passed: outcomes.filter(({ status }) => status === 'fulfilled').length,
    policy: (refused?.reason as Problem | undefined)?.headers?.['ratelimit-policy'],
  };
}

test('a user has a limit for each kind of request, and none uses up another', async () => {
  expect(await send(user('ann'), 'requests', 30)).toEqual({ passed: 5, policy: '"requests";q=5;w=60' });
  expect(await send(user('ann'), 'vends', 30)).toEqual({ passed: 10, policy: '"vend-requests";q=10;w=60' });
  expect(await send(user('ann'), 'acts', 30)).toEqual({ passed: 20, policy: '"act-requests";q=20;w=60' });
  expect((await send(user('bob'), 'requests', 5)).passed).toBe(5);
  expect((await send(user('ann', 'ten_b'), 'requests', 5)).passed).toBe(5);
});

test('an API key has limits of its own', async () => {
  expect(await send(key('key_1'), 'requests', 80)).toEqual({ passed: 50, policy: '"requests";q=50;w=60' });
  expect(await send(key('key_1'), 'vends', 80)).toEqual({ passed: 40, policy: '"vend-requests";q=40;w=60' });
});

test('all callers of a tenant share its limits, but acts of moderation have none of the tenant', async () => {
  await send(key('key_1'), 'requests', 50);
  expect(await send(key('key_2'), 'requests', 50)).toMatchObject({ policy: '"tenant-requests";q=60;w=60' });
  expect((await send(user('ann'), 'requests', 5)).passed).toBeLessThanOrEqual(2); // one comes back in each second
  expect((await send(key('key_2'), 'acts', 30)).passed).toBe(30);
  expect((await send(user('mod'), 'acts', 20)).passed).toBe(20);
  expect((await send(user('ann'), 'vends', 5)).passed).toBe(5);
  expect((await send(key('key_9', 'ten_b'), 'requests', 50)).passed).toBe(50);
});

test('a replica works on so many requests of a tenant at the same time, and on those of others too', () => {
  const ends = [1, 2, 3].map(() => limits.begin('ten_a'));
  expect(() => limits.begin('ten_a')).toThrow('rate_limited');
  limits.begin('ten_b')();
  ends[0]?.();
  ends[0]?.(); // an end that comes twice counts once
  const again = limits.begin('ten_a');
  expect(() => limits.begin('ten_a')).toThrow('rate_limited');
  for (const end of [...ends, again]) end();
  for (let n = 0; n < 3; n++) limits.begin('ten_a');
});
