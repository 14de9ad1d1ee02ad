import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { disconnectKeyHolders } from '../../stage/leave.ts';
import { type Call, conflict, find, invalid, newArn, quotaExceeded } from '../../state/call.ts';
import { page } from '../../state/pages.ts';
import type {
  DeletePublicKeyRequest,
  DeletePublicKeyResponse,
  GetPublicKeyRequest,
  GetPublicKeyResponse,
  ImportPublicKeyRequest,
  ImportPublicKeyResponse,
  ListPublicKeysRequest,
  ListPublicKeysResponse,
} from '../../realtime/types.ts';

/**
 * Imports a public key: EC P-384, as a PEM of SubjectPublicKeyInfo. An account has at most three in a Region (AWS
 * docs).
 */
export function importPublicKey(call: Call, input: ImportPublicKeyRequest): ImportPublicKeyResponse {
  const { publicKeys } = call.scope;
  const { limits, switches } = call.world;
  const der = readPublicKey(input.publicKeyMaterial).export({ type: 'spki', format: 'der' });
  const fingerprint = fingerprintOf(der);
  const twin = [...publicKeys.values()].find((key) => key.fingerprint === fingerprint);
  if (twin && switches.duplicateKeyConflicts)
    throw conflict('this public key has been imported already', twin.arn ?? '');
  if (publicKeys.size >= limits.publicKeys) throw quotaExceeded('public keys', limits.publicKeys);
  const arn = newArn(call, 'public-key');
  const publicKey = {
    arn,
    name: input.name ?? '',
    publicKeyMaterial: input.publicKeyMaterial,
    fingerprint,
    tags: input.tags ?? {},
  };
  publicKeys.set(arn, publicKey);
  return { publicKey };
}

export function getPublicKey(call: Call, input: GetPublicKeyRequest): GetPublicKeyResponse {
  return { publicKey: find(call, call.scope.publicKeys, input.arn) };
}

export function listPublicKeys(call: Call, input: ListPublicKeysRequest): ListPublicKeysResponse {
  const keys = [...call.scope.publicKeys.values()];
  const { items, nextToken } = page(keys, (key) => key.arn ?? '', 'ListPublicKeys', input);
  return { publicKeys: items.map(({ arn, name, tags }) => ({ arn, name, tags })), nextToken };
}

/** Deletes a public key. Tokens that are signed with its private key are refused from then on (AWS docs). */
export function deletePublicKey(call: Call, input: DeletePublicKeyRequest): DeletePublicKeyResponse {
  find(call, call.scope.publicKeys, input.arn);
  call.scope.publicKeys.delete(input.arn);
  if (!call.world.switches.deletedKeyStays) disconnectKeyHolders(call.world, call.scope, input.arn);
  return {};
}

const PUBLIC_KEY_BLOCK = /-----BEGIN PUBLIC KEY-----[a-zA-Z0-9+/=\s]+-----END PUBLIC KEY-----/;

function readPublicKey(material: string): KeyObject {
  // Only the block that the pattern finds is read. Node would also accept a private key in front of it.
  const pem = PUBLIC_KEY_BLOCK.exec(material)?.[0] ?? '';
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw invalid('publicKeyMaterial', 'must be a public key in PEM form');
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'secp384r1') {
    throw invalid('publicKeyMaterial', 'must be a key on the curve P-384 (secp384r1)');
  }
  return key;
}

/** Sixteen bytes in hex with colons, as in AWS's examples. AWS does not document how its fingerprint is computed. */
function fingerprintOf(der: Buffer): string {
  const digest = createHash('md5').update(der).digest('hex');
  return digest.match(/../g)?.join(':') ?? '';
}
