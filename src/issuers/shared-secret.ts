import type { z } from 'zod';

/** How a shared secret can be written in a body. */
export const secretEncodings = ['utf8', 'base64', 'base64url'] as const;
type SecretEncoding = (typeof secretEncodings)[number];

const encodings = { base64: /^[A-Za-z0-9+/]+={0,2}$/, base64url: /^[\w-]+={0,2}$/ };

/** The bytes of a shared secret. */
export function secretBytes(secret: string, encoding: SecretEncoding | undefined = 'utf8'): Buffer {
  return Buffer.from(secret, encoding);
}

function faultOfSecret(secret: string, encoding: SecretEncoding | undefined = 'utf8'): string | undefined {
  if (!secret.isWellFormed()) return 'must be well-formed Unicode';
  if (encoding !== 'utf8' && !encodings[encoding].test(secret)) return `must be ${encoding}, as secretEncoding says`;
  const bytes = secretBytes(secret, encoding);
  if (bytes.length < 32) return 'must have at least 32 bytes';
  if (new Set(bytes).size < 10) return 'must be random';
  // A public key is no secret: everybody who knows it could sign tokens with it.
  const isKey = [secret, bytes.toString('latin1')].some((one) => /^\s*(-----BEGIN|\{|ssh-|ecdsa-)/.test(one));
  return isKey ? 'must be a secret, not a key: send public keys as jwks' : undefined;
}

/** What a body says about a secret. */
interface SecretInput {
  secret?: string | null | undefined;
  secretEncoding?: SecretEncoding | undefined;
}

/** Checks the secret of a body. */
export function refineSecret({ secret, secretEncoding }: SecretInput, context: z.core.$RefinementCtx): void {
  const fault = typeof secret === 'string' ? faultOfSecret(secret, secretEncoding) : undefined;
  if (fault !== undefined) context.addIssue({ code: 'custom', path: ['secret'], message: fault });
  if (typeof secret !== 'string' && secretEncoding !== undefined) {
    context.addIssue({ code: 'custom', path: ['secretEncoding'], message: 'must come together with secret' });
  }
}
