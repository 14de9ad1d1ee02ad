/** A server that makes and decrypts data keys as AWS KMS does (GenerateDataKey and Decrypt), for tests of secrets that are sealed with them. */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Call {
  KeyId?: string;
  KeySpec?: string;
  CiphertextBlob?: string;
  EncryptionContext?: Record<string, string>;
}

/** A refusal, with the name that KMS gives it. */
class Refusal extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

/** A symmetric key. */
interface Key {
  material: Buffer;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  /** Operations that the caller may not use with it. */
  denied: Set<string>;
}

const account = '123456789012';
const idBytes = 36;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Keys that speak the JSON protocol of KMS. A ciphertext is of AES-256-GCM, bound to its key and its encryption context. It
 * checks that each request is signed for KMS in the Region of the key, but no signature.
 */
export class KmsServer {
  /** What was asked for, in the order in which it came. */
  readonly calls: { operation: string; tenant: string | undefined }[] = [];
  /** The data keys that were made, in clear. */
  readonly dataKeys: Buffer[] = [];
  /** error: every request is answered with 500. silence: none is answered. */
  outage: 'none' | 'error' | 'silence' = 'none';
  /** Number of requests that it throttles from now on. */
  throttles = 0;
  /** Called before each answer, which waits for it. */
  beforeAnswer: (operation: string, tenant: string | undefined) => Promise<void> = () => Promise.resolve();
  /** By the last part of the ARN. A multi-Region key has the same in each Region. */
  private readonly keys = new Map<string, Key>();

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<KmsServer> {
    const server = http.createServer();
    const kms = new KmsServer(server);
    server.on('request', (request, response) => void kms.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return kms;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Makes a key, and returns its ARN. */
  createKey(isMultiRegion = false): string {
    const id = isMultiRegion ? `mrk-${randomUUID().replaceAll('-', '')}` : randomUUID();
    this.keys.set(id, { material: randomBytes(32), state: 'Enabled', denied: new Set() });
    return arnOf(id, 'us-east-1');
  }

  /** The ARN of the replica of a multi-Region key in another Region. */
  replicaOf(arn: string, region: string): string {
    return arnOf(idOf(arn), region);
  }

  /** A key, so that a test can disable it, or deny an operation. */
  key(arn: string): Key {
    const key = this.keys.get(idOf(arn));
    if (!key) throw new Error(`there is no key ${arn}`);
    return key;
  }

  /** Deletes a key for good. */
  deleteKey(arn: string): void {
    this.keys.delete(idOf(arn));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).replace('TrentService.', '');
    const call = JSON.parse(await text(request)) as Call;
    const tenant = call.EncryptionContext?.['stagedoor:tenant'];
    this.calls.push({ operation, tenant });
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    await this.beforeAnswer(operation, tenant);
    if (this.outage === 'silence') return;
    try {
      send(200, this.perform(operation, call, request.headers.authorization ?? ''));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      send(error.status, { __type: error.name, message: error.message });
    }
  }

  private perform(operation: string, call: Call, authorization: string): object {
    if (this.outage === 'error') throw new Refusal('KMSInternalException', 'down', 500);
    if (this.throttles > 0) {
      this.throttles -= 1;
      throw new Refusal('ThrottlingException', 'You have exceeded the rate at which you may call KMS.');
    }
    const arn = call.KeyId ?? '';
    const region = arn.split(':')[3] ?? '';
    const isSigned = new RegExp(`^AWS4-HMAC-SHA256 Credential=[^/]+/\\d{8}/${region}/kms/aws4_request`).test(
      authorization,
    );
    if (!isSigned) throw new Refusal('InvalidSignatureException', `Credential should be scoped to ${region}`);
    const key = this.keys.get(idOf(arn));
    if (!key) throw new Refusal('NotFoundException', `Key '${arn}' does not exist`);
    if (key.denied.has(operation))
      throw new Refusal('AccessDeniedException', `User is not authorized to perform: kms:${operation} on ${arn}`);
    if (key.state === 'Disabled') throw new Refusal('DisabledException', `${arn} is disabled.`);
    if (key.state === 'PendingDeletion') throw new Refusal('KMSInvalidStateException', `${arn} is pending deletion.`);
    const place = placeOf(idOf(arn), call.EncryptionContext);
    if (operation === 'GenerateDataKey') {
      if (call.KeySpec !== 'AES_256') throw new Refusal('ValidationException', 'KeySpec');
      const plain = randomBytes(32);
      this.dataKeys.push(plain);
      const blob = encrypt(key.material, idOf(arn), plain, place);
      return { KeyId: arn, Plaintext: plain.toString('base64'), CiphertextBlob: blob.toString('base64') };
    }
    if (operation === 'Decrypt') {
      const blob = Buffer.from(call.CiphertextBlob ?? '', 'base64');
      if (blob.subarray(0, idBytes).toString().trim() !== idOf(arn))
        throw new Refusal(
          'IncorrectKeyException',
          'The key ID in the request does not identify a CMK that can do this.',
        );
      return { KeyId: arn, Plaintext: decrypt(key.material, blob, place).toString('base64') };
    }
    throw new Refusal('UnknownOperationException', operation);
  }
}

function arnOf(id: string, region: string): string {
  return `arn:aws:kms:${region}:${account}:key/${id}`;
}

function idOf(arn: string): string {
  return arn.split('/').at(-1) ?? '';
}

/** Additional authenticated data: the key and the encryption context, whose order does not matter. */
function placeOf(id: string, context: Record<string, string> = {}): Buffer {
  return Buffer.from(
    JSON.stringify([
      id,
      Object.keys(context)
        .toSorted()
        .map((name) => [name, context[name]]),
    ]),
  );
}

function encrypt(material: Buffer, id: string, plain: Buffer, place: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', material, iv).setAAD(place);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from(id.padEnd(idBytes)), iv, cipher.getAuthTag(), sealed]);
}

function decrypt(material: Buffer, blob: Buffer, place: Buffer): Buffer {
  const bytes = blob.subarray(idBytes);
  const tag = bytes.subarray(ivBytes, ivBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', material, bytes.subarray(0, ivBytes)).setAAD(place).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
  } catch {
    throw new Refusal('InvalidCiphertextException', 'the ciphertext is of another encryption context, or was changed');
  }
}
