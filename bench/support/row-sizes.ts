/** The two databases that `rows` compares, and how their figures are printed. */
import type { Deployment } from './deployment.ts';
import type { Issuer } from './issuers.ts';
import { type LoadResult, post } from './load.ts';
import { line, ms } from './report.ts';
import { isSpared, issuerName, spaceId, spaces, tenants, usersOf } from './row-shape.ts';

/** Grants of the small one. */
export const few = 100_000;

/** A deployment with so many grants. */
export interface Size {
  rows: number;
  deployment: Deployment;
  /** Key of the administrator of the first tenant. */
  key: string;
  keyId: string;
}

/** Requests of users whom nobody has banned. Two of five are of the first tenant, half are for the first space. */
export function vendsOf(issuer: Issuer, count: number): () => Buffer {
  let seed = 1;
  // The same sequence in each size.
  const dice = (sides: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * sides);
  };
  const requests = Array.from({ length: count }, () => {
    const kind = dice(10);
    const tenant = kind < 4 ? 0 : kind < 6 ? 1 + dice(9) : 10 + dice(tenants - 10);
    let user = dice(usersOf(tenant));
    if (!isSpared(user)) user--;
    const space = dice(2) === 0 ? 0 : 1 + dice(spaces - 2);
    const token = issuer.token(`user-${user}`, issuerName(tenant));
    return post(`/v1/spaces/${spaceId(tenant, space)}/stage-tokens`, token);
  });
  let at = 0;
  return () => requests[at++ % requests.length] ?? Buffer.alloc(0);
}

export function printLatencies(what: string, { p50, p99, max, answers }: LoadResult): void {
  line(what, `p99 ${ms(p99)}`, `p50 ${ms(p50)} · max ${ms(max)}; ${answers} answers`);
}

export const size = (rows: number) => (rows === few ? 'few' : 'many');
export const mb = (bytes: string | number) => `${Math.round(Number(bytes) / 1e6).toLocaleString('en')} MB`;
