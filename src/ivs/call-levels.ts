import { type CallRate, moderationRates, presenceRates, tenantRates } from './call-rates.ts';

/** For whom a rate is kept: acts of moderation, what tenants ask for, looks at who is there, and tokens. */
export type Lane = 'moderation' | 'tenants' | 'presence' | 'tokens';

/** A rate that is shared by all tenants of an account. */
export interface SharedRate extends CallRate {
  operation: string;
  lane: Lane;
}

/**
 * The rates of the calls that make tokens, as IVS states them (AWS user guides, service quotas). The service does not hold calls
 * back before IVS throttles, because other programs may use the same rate.
 */
export const tokenRates = {
  CreateParticipantToken: { rate: 50, burst: 50 },
  CreateChatToken: { rate: 200, burst: 200 },
} as const satisfies Record<string, CallRate>;

function ratesOf(lane: Lane, rates: Record<string, CallRate>): SharedRate[] {
  return Object.entries(rates).map(([operation, rate]) => ({ operation, lane, ...rate }));
}

/** All rates of an account and Region. */
export const sharedRates: readonly SharedRate[] = [
  ...ratesOf('moderation', moderationRates),
  ...ratesOf('tenants', tenantRates),
  ...ratesOf('presence', presenceRates),
  ...ratesOf('tokens', tokenRates),
];

/** The name of a rate in the table `pacing`. */
export function pacingName({ operation, lane }: Pick<SharedRate, 'operation' | 'lane'>): string {
  return lane === 'moderation' ? operation : `${operation} for ${lane}`;
}

/** What is left of a rate now, and how long one more call waits for it. @param level what was left, so many seconds ago. */
export function leftNow(
  { rate, burst }: CallRate,
  level: { allowance: number; seconds: number } | undefined,
): { left: number; waitSeconds: number } {
  const left = level ? Math.min(burst, level.allowance + rate * level.seconds) : burst;
  return { left: Math.max(0, Math.floor(left)), waitSeconds: left >= 1 ? 0 : (1 - left) / rate };
}
