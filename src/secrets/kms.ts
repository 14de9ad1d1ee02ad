import { createSecretKey, type KeyObject } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
} from 'cockatiel';
import { inSpan } from '../telemetry/spans.ts';

/** Deadline of a call, with the second attempt, in milliseconds. */
const deadlineMs = 2_000;

/** After this many failures in a row the breaker of a key opens. A refusal is no failure: KMS has answered. */
const failuresToOpen = 5;

/** An open breaker lets the next call through after this time, in milliseconds. */
const halfOpenAfterMs = 1_000;

/** The name in the encryption context that says whose data key it is. IAM policies and CloudTrail show it. */
const contextName = 'stagedoor:tenant';

/** A data key: AES-256, in memory alone. */
export interface DataKey {
  key: KeyObject;
  /** The same key as KMS has encrypted it, for the database. */
  encrypted: Buffer;
}

/** A call to AWS KMS that failed. The message is for the log of the operator. */
export class KmsFailure extends Error {
  constructor(
    /** refused: it has answered that the key may not be used, or cannot. unavailable: it does not answer, or too slowly, or limits the rate. */
    readonly kind: 'refused' | 'unavailable',
    arn: string,
    cause: unknown,
  ) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(
      kind === 'refused'
        ? `AWS KMS refuses the key ${arn} (${why}). Enable the key, and allow the service kms:GenerateDataKey and kms:Decrypt on it (docs/operations/rotate.md).`
        : `AWS KMS does not answer for the key ${arn} (${why}).`,
      { cause },
    );
    this.name = 'KmsFailure';
  }
}

/** Errors with which KMS says that a key is not to be used. All others may pass. */
const refusals = new Set([
  'AccessDeniedException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidCiphertextException',
  'InvalidGrantTokenException',
  'InvalidKeyUsageException',
  'InvalidSignatureException',
  'KMSInvalidStateException', // it is to be deleted, or its material is not there
  'NotFoundException',
  'UnrecognizedClientException',
  'ValidationException',
]);

/** The only way to AWS KMS: data keys are made and decrypted by it. Each call has a deadline, and each key a breaker. */
export class Kms {
  /** By the ARN of the key. */
  private readonly ways = new Map<string, { client: KMSClient; breaker: CircuitBreakerPolicy }>();
  private readonly requestHandler = new NodeHttpHandler({
    connectionTimeout: 500,
    requestTimeout: 1_000,
    throwOnRequestTimeout: true, // without this the SDK only logs a warning
  });

  /**
   * @param endpoint URL of the API, if it is not that of AWS.
   * @param onCall is told the operation, the result (ok, or the kind of the failure) and the seconds of each call.
   */
  constructor(
    private readonly endpoint: string | undefined,
    private readonly onCall: (operation: string, result: string, seconds: number) => void = () => undefined,
  ) {}

  /** Makes a data key. @param tenantId whose: it can be decrypted for them alone. @throws {KmsFailure} */
  async makeDataKey(arn: string, tenantId: string): Promise<DataKey> {
    const command = new GenerateDataKeyCommand({ KeyId: arn, KeySpec: 'AES_256', ...contextOf(tenantId) });
    return await this.call('GenerateDataKey', arn, async (client, options) => {
      const { Plaintext, CiphertextBlob } = await client.send(command, options);
      return { key: keyOf(Plaintext), encrypted: Buffer.from(CiphertextBlob ?? []) };
    });
  }

  /** Decrypts a data key. @throws {KmsFailure} also if it is that of another tenant. */
  async openDataKey(arn: string, tenantId: string, encrypted: Buffer): Promise<DataKey> {
    const command = new DecryptCommand({ KeyId: arn, CiphertextBlob: encrypted, ...contextOf(tenantId) });
    return await this.call('Decrypt', arn, async (client, options) => {
      const { Plaintext } = await client.send(command, options);
      return { key: keyOf(Plaintext), encrypted };
    });
  }

  /** Closes the connections. */
  onApplicationShutdown(): void {
    this.requestHandler.destroy();
  }

  private async call<T>(
    operation: string,
    arn: string,
    send: (client: KMSClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const began = performance.now();
    const ended = (result: string) => this.onCall(operation, result, (performance.now() - began) / 1_000);
    const { client, breaker } = this.wayTo(arn);
    try {
      const done = await breaker.execute(async () => {
        try {
          return await inSpan(`KMS ${operation}`, {}, () =>
            send(client, { abortSignal: AbortSignal.timeout(deadlineMs) }),
          );
        } catch (error) {
          const isRefused = error instanceof Error && refusals.has(error.name);
          throw new KmsFailure(isRefused ? 'refused' : 'unavailable', arn, error);
        }
      });
      ended('ok');
      return done;
    } catch (error) {
      const failure = error instanceof BrokenCircuitError ? new KmsFailure('unavailable', arn, error) : error;
      ended(failure instanceof KmsFailure ? failure.kind : 'unavailable');
      throw failure;
    }
  }

  private wayTo(arn: string) {
    const known = this.ways.get(arn);
    if (known) return known;
    const made = {
      client: new KMSClient({
        region: arn.split(':')[3] ?? '',
        maxAttempts: 2,
        requestHandler: this.requestHandler,
        ...(this.endpoint !== undefined && { endpoint: this.endpoint }),
      }),
      breaker: circuitBreaker(
        handleWhen((error) => error instanceof KmsFailure && error.kind === 'unavailable'),
        { halfOpenAfter: halfOpenAfterMs, breaker: new ConsecutiveBreaker(failuresToOpen) },
      ),
    };
    this.ways.set(arn, made);
    return made;
  }
}

function contextOf(tenantId: string) {
  return { EncryptionContext: { [contextName]: tenantId } };
}

/** The key of the bytes that KMS returns. The bytes are wiped. */
function keyOf(plain: Uint8Array | undefined): KeyObject {
  if (plain?.length !== 32) throw new Error('the answer has no key of 32 bytes');
  const key = createSecretKey(plain);
  plain.fill(0);
  return key;
}
