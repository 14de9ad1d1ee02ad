/** Credentials that this run has read. */
const known = new Set<string>();

/** The forms of secrets: API keys, secrets of webhooks, JWTs and tokens for stages. */
const forms = /\bsk_[\w-]{8,}|\bwhsec_[\w+/=-]{8,}|\beyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)?/g;

/** Remembers a credential, so that no message contains it. */
export function keepSecret(secret: string): void {
  if (secret.length >= 8) known.add(secret);
}

/** The text without credentials: those of this run, and what looks like one. */
export function withoutSecrets(text: string): string {
  let safe = text;
  for (const secret of known) safe = safe.replaceAll(secret, '[secret]');
  return safe.replaceAll(forms, '[secret]');
}
