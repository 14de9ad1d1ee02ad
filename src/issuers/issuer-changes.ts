import { invalid } from '../errors.ts';
import { type Algorithm, includesAlgorithm, needsSecret } from './algorithms.ts';
import { fittingAlgorithms, type UpdateIssuerBody } from './issuers.schemas.ts';
import { type Jwk, usableKeys } from './public-keys.ts';

/** The keys of an issuer as they are stored: at least one of the three is not null. */
interface StoredKeys {
  jwksUri: string | null;
  jwks: unknown;
  secret: unknown;
  algorithms: string[];
}

/**
 * Decides which algorithms an issuer has after a change. New keys keep the algorithms that were registered, as far as those
 * fit: a change of keys alone never makes another algorithm good.
 * @throws Problem `invalid_request` if no source of keys stays, an algorithm does not fit the keys, or a new source or key
 * fits none of the algorithms.
 */
export function newAlgorithms(old: StoredKeys, body: UpdateIssuerBody): readonly Algorithm[] {
  const { jwksUri = old.jwksUri, jwks = old.jwks as { keys: Jwk[] } | null, secret = old.secret } = body;
  if (jwksUri === null && jwks === null && secret === null) {
    throw invalid('', 'must keep at least one of jwksUri, jwks and secret');
  }
  const fitting = fittingAlgorithms({ jwksUri, jwks, secret });
  const other = body.algorithms?.find((algorithm) => !includesAlgorithm(fitting, algorithm));
  if (other !== undefined) throw invalid('algorithms', `${other} does not fit: ${fitting.join(', ')}`);
  const kept = (old.algorithms as Algorithm[]).filter((algorithm) => includesAlgorithm(fitting, algorithm));
  const algorithms = body.algorithms ?? kept;
  const unused = unusedSource(body, algorithms);
  if (unused !== undefined || algorithms.length === 0) {
    const what = unused ?? 'what is left';
    throw invalid('algorithms', `name the algorithms: ${what} fits none of ${old.algorithms.join(', ')}`);
  }
  return algorithms;
}

/** The first new source of keys that none of the algorithms is for. */
function unusedSource({ jwksUri, jwks, secret }: UpdateIssuerBody, algorithms: readonly Algorithm[]) {
  if (typeof secret === 'string' && !algorithms.some(needsSecret)) return 'the secret';
  if (typeof jwksUri === 'string' && algorithms.every(needsSecret)) return 'a key at jwksUri';
  const at = (jwks?.keys ?? []).findIndex((key) => !fits(key, algorithms));
  return at < 0 ? undefined : `the key at jwks.keys.${at}`;
}

function fits(key: Jwk, algorithms: readonly Algorithm[]): boolean {
  return usableKeys([key]).some((usable) => usable.algorithms.some((one) => includesAlgorithm(algorithms, one)));
}
