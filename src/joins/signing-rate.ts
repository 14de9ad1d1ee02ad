import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Metrics } from '../telemetry/metrics.ts';

/**
 * Which OpenSSL signs stage tokens. `provider` is the FIPS provider that `OPENSSL_CONF` names, `system` is the OpenSSL of a
 * distribution that this Node was linked with, and `node` is the one that Node brings.
 */
type Signer = 'provider' | 'system' | 'node';

/** The rate is that of the fastest batch, so that other work of the machine matters little. All take about 20 ms. */
const batches = 10;
const signaturesOfBatch = 2;

/**
 * Measures once, at the start, how fast this process can sign stage tokens. Node starts and signs slowly if the OpenSSL
 * provider that it was told to use is missing or wrong. The log and the metric tell.
 */
@Injectable()
export class SigningRate implements OnApplicationBootstrap {
  private readonly logger = new Logger(SigningRate.name);

  constructor(private readonly metrics: Metrics) {}

  onApplicationBootstrap(): void {
    const openssl = signer();
    const signaturesPerSecond = Math.round(measure());
    this.metrics.signatures.set({ openssl }, signaturesPerSecond);
    const line = { openssl, signaturesPerSecond };
    const isMisled = openssl === 'node' && process.env['OPENSSL_MODULES'] !== undefined;
    if (isMisled) {
      this.logger.warn(
        line,
        'OPENSSL_MODULES is set, but the OpenSSL of Node signs stage tokens, and slowly: the FIPS provider or its configuration is missing or wrong. See "Signatures" in docs/operations.md.',
      );
    } else if (openssl === 'node') {
      this.logger.log(
        line,
        'The OpenSSL of Node signs stage tokens. The FIPS provider of Debian 13 signs about three times as fast: see "Signatures" in docs/operations.md.',
      );
    } else {
      this.logger.log(line, `The OpenSSL of the ${openssl} signs stage tokens.`);
    }
  }
}

/** Which OpenSSL has the keys of elliptic curves. Node does not tell, but the FIPS provider does not know secp256k1. */
function signer(): Signer {
  try {
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  } catch {
    return 'provider';
  }
  return process.config.variables.node_shared_openssl ? 'system' : 'node';
}

/** Signatures of stage tokens in a second of one processor. */
function measure(): number {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return Math.max(...Array.from({ length: batches }, () => measureBatch(privateKey)));
}

function measureBatch(key: KeyObject): number {
  const text = Buffer.alloc(500);
  const before = performance.now();
  for (let i = 0; i < signaturesOfBatch; i++) sign('sha384', text, { key, dsaEncoding: 'ieee-p1363' });
  return signaturesOfBatch / ((performance.now() - before) / 1_000);
}
