import { Problem } from '../errors.ts';
import type { TokenCheck } from './token-check.ts';
import { assertBearerToken, checkTimes, claimAt } from './user-claims.ts';

/** An issuer, as an explanation names it. */
interface Registered {
  id: string;
  issuer: string;
  audience: string;
  audienceClaim: string;
}

/** Longest text of a JWT or of an issuer that an explanation repeats, in characters. */
const shownLength = 200;

/** Largest number of issuers that an explanation lists. */
const shownIssuers = 20;

/** The check that claims fail whose signature fits and that are refused. It asks in the order of `readUser`. */
export function checkThatFails(
  claims: Record<string, unknown>,
  maxLifeSeconds: number | undefined,
  now: Date,
): TokenCheck {
  if (fails(() => checkTimes(claims, now.getTime() / 1_000, maxLifeSeconds))) return 'token_times';
  return fails(() => assertBearerToken(claims)) ? 'token_kind' : 'token_user_id';
}

function fails(check: () => unknown): boolean {
  try {
    check();
    return false;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return true;
  }
}

/** Says when a JWT was issued, and when it expires or has expired. */
export function whatTimesSay({ iat, exp, nbf }: Record<string, unknown>, now: Date): string {
  const told = [
    typeof iat === 'number' && `It was issued ${ago(iat, now)}.`,
    typeof nbf === 'number' && nbf * 1_000 > now.getTime() && `It is valid ${ago(nbf, now)} (nbf).`,
    typeof exp === 'number' && `It ${exp * 1_000 > now.getTime() ? 'expires' : 'expired'} ${ago(exp, now)}.`,
    `The clock of the service says ${now.toISOString()}.`,
  ];
  return told.filter((one) => one !== false).join(' ');
}

/** A time of a claim, told from now: `3 minutes ago (2026-…)`. */
function ago(seconds: number, now: Date): string {
  const time = new Date(seconds * 1_000);
  const from = Math.round(Math.abs(seconds - now.getTime() / 1_000));
  const count = (size: number, unit: string) => {
    const whole = Math.floor(from / size);
    return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
  };
  const length =
    from < 120
      ? count(1, 'second')
      : from < 7_200
        ? count(60, 'minute')
        : from < 172_800
          ? count(3_600, 'hour')
          : count(86_400, 'day');
  const at = Number.isNaN(time.getTime()) ? '' : ` (${time.toISOString()})`;
  return `${seconds * 1_000 > now.getTime() ? `in ${length}` : `${length} ago`}${at}`;
}

/** Says that the tenant has no issuer of this name, and which it has. */
export function whichIssuers(issuer: string, registered: readonly Registered[]): string {
  const names = [...new Set(registered.map((one) => one.issuer))];
  const what = `The token names the issuer ${shown(issuer)} (iss), and the tenant has none of this name.`;
  if (names.length === 0) return `${what} It has no issuers. POST /v1/issuers registers one.`;
  const alike = names.find((one) => bare(one) === bare(issuer));
  const hint = alike === undefined ? '' : ` ${shown(alike)} is nearly the same: every character counts.`;
  return `${what} Its issuers are: ${listed(names)}.${hint}`;
}

/** Says which audiences the issuers of a name want, and what the JWT has there. */
export function whyNotFor(ofName: readonly Registered[], claims: Record<string, unknown>): string {
  const wants = ofName.slice(0, shownIssuers).map(({ id, audience, audienceClaim }) => {
    const value = claimAt(claims, audienceClaim);
    const holds = value === undefined ? 'which the token does not have' : `which holds ${shown(value)}`;
    return `${id} wants ${shown(audience)} in the claim ${audienceClaim}, ${holds}.`;
  });
  return `No issuer of this tenant has this audience: ${wants.join(' ')} Register an issuer with the audience and the audienceClaim of the token.`;
}

function bare(issuer: string): string {
  return issuer
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '');
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, shownIssuers).map(shown).join(', ');
  return names.length > shownIssuers ? `${some} and ${names.length - shownIssuers} more` : some;
}

/** A value of the JWT or of an issuer, in its JSON form, and not too long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
