import { invalid } from '../errors.ts';
import type { Algorithm } from './algorithms.ts';
import { fittingAlgorithms, type UpdateIssuerBody } from './issuers.schemas.ts';
import { type Jwk, usableKeys } from './public-keys.ts';

/** The keys of an issuer as they are stored: one of the three is not null. */
interface StoredKeys {
  jwksUri: string | null;
  jwks: unknown;
  secret: unknown;
  algorithms: string[];
}

/** What a change makes of the keys of an issuer. */
export interface NewKeys {
  /** The new source of the keys, which replaces the old one; undefined: the source stays. */
  source: Pick<UpdateIssuerBody, 'jwksUri' | 'jwks' | 'secret'> | undefined;
  algorithms: readonly Algorithm[];
}

/**
 * Decides which keys and algorithms an issuer has after a change. New keys keep the algorithms that were registered, as far
 * as those fit: a change of keys alone never makes another algorithm good.
 * @throws Problem `invalid_request` if an algorithm does not fit the keys, or a key fits none of the algorithms.
 */
export function newKeys(old: StoredKeys, body: UpdateIssuerBody): NewKeys {
  const { jwksUri, jwks, secret } = body;
  const isNew = jwksUri !== undefined || jwks !== undefined || secret !== undefined;
  const source = isNew ? { jwksUri, jwks, secret } : undefined;
  const fitting = fittingAlgorithms(source ?? storedSource(old));
  const other = body.algorithms?.find((algorithm) => !fitting.includes(algorithm));
  if (other !== undefined) throw invalid('algorithms', `${other} does not fit: ${fitting.join(', ')}`);
  const algorithms = body.algorithms ?? fitting.filter((algorithm) => old.algorithms.includes(algorithm));
  const unused = (jwks?.keys ?? []).findIndex((key) => !fits(key, algorithms));
  if (algorithms.length === 0 || unused >= 0) {
    const what = unused >= 0 ? `the key at jwks.keys.${unused}` : 'the new source of keys';
    throw invalid('algorithms', `name the algorithms: ${what} fits none of ${old.algorithms.join(', ')}`);
  }
  return { source, algorithms };
}

function storedSource({ jwks, secret }: StoredKeys) {
  if (secret !== null) return { secret };
  return { jwks: jwks === null ? undefined : (jwks as { keys: Jwk[] }) };
}

function fits(key: Jwk, algorithms: readonly Algorithm[]): boolean {
  return usableKeys([key]).some((usable) => usable.algorithms.some((algorithm) => algorithms.includes(algorithm)));
}
