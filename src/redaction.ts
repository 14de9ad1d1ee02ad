/** So long, at least, is each secret that has a form, but for those that `marks` begin. */
const shortest = 40;

/** Characters of secrets: those of base64, base64url, hexadecimal numbers, and the dots between the parts of a token. */
const ofSecrets = Uint8Array.from({ length: 128 }, (_, code) => (/[\w+/=.-]/.test(String.fromCharCode(code)) ? 1 : 0));

/** What stands in or before secrets that may be shorter, or of other characters. */
const marks = ['sk_', 'whsec_', 'PRIVATE KEY', 'password=', 'Bearer ', '://'];

/** Letters and digits by chance: both cases and a digit among them. */
const random = String.raw`(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])`;

/** The forms of secrets. None begins within a word, so that each is sought once. */
const forms = [
  String.raw`(?<![A-Za-z0-9])sk_[a-z0-9-]{1,32}_\w{8,}`, // API keys
  String.raw`(?<![A-Za-z0-9])whsec_[\w+/=-]{8,}`, // secrets of webhooks
  String.raw`(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?`, // JWTs, tokens of stages, cookies of the console
  String.raw`(?<![\w-])[\w-]{64,}\.[\w-]{32,}`, // tokens of chat rooms: two parts
  String.raw`(?<![\w+/-])(?:IQoJ|FwoG|AQoD)[\w+/=-]{60,}`, // session tokens of AWS
  String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\w+/=\s]|\\[rn])*(?:-----END [A-Z ]*PRIVATE KEY-----)?`,
  String.raw`(?<=:\/\/[^\s:/@"]*:)[^\s/@"]+(?=@)`, // passwords in URLs
  String.raw`(?<=password=)[^\s"&]+`,
  String.raw`(?<=Bearer )[\w.+/=~-]{16,}`,
  // 32 random bytes (master keys, secrets of sessions), 48 (private halves of keys), and secret access keys of AWS
  String.raw`(?<![\w+/-])${random}(?:[\w+/-]{64}|[\w+/-]{43}|[\w+/-]{40})=?(?![\w+/=-])`,
  String.raw`(?<!\w)[0-9a-f]{64}(?!\w)`,
];
const anyForm = new RegExp(forms.join('|'), 'g');

/**
 * Makes a function that replaces secrets in a text by `[secret]`: `own` ones, and whatever has the form of one. A text
 * without any takes it about a microsecond.
 * @param own secrets of this service. They are found in JSON, too. Those of less than 12 characters are left out: they may be
 * words.
 */
export function redaction(own: readonly string[] = []): (text: string) => string {
  const exact = [...new Set(own.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))].filter(
    (secret) => secret.length >= 12,
  );
  return (text) => {
    let safe = text;
    for (const secret of exact) if (safe.includes(secret)) safe = safe.replaceAll(secret, '[secret]');
    return mayHoldSecret(safe) ? safe.replaceAll(anyForm, '[secret]') : safe;
  };
}

/** Replaces whatever has the form of a secret by `[secret]`. */
export const withoutSecrets = redaction();

/** What an error says to a person at a terminal, without secrets: some texts come from Postgres or AWS. */
export function messageOf(error: unknown): string {
  return withoutSecrets(error instanceof Error ? error.message : String(error));
}

/** Whether there is any reason to look closer, as for few lines of a log: a mark, or so many characters in a row. */
function mayHoldSecret(text: string): boolean {
  // Of a run of this length, one of the characters that are looked at is a part.
  for (let at = shortest - 1; at < text.length; at += shortest) {
    if (!isOfSecrets(text, at)) continue;
    let [first, last] = [at, at];
    while (isOfSecrets(text, first - 1)) first--;
    while (isOfSecrets(text, last + 1)) last++;
    if (last - first + 1 >= shortest) return true;
  }
  return marks.some((mark) => text.includes(mark));
}

function isOfSecrets(text: string, at: number): boolean {
  return ofSecrets[text.charCodeAt(at)] === 1;
}
