import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 43 characters out of 62 hold 256 random bits. */
const randomLength = 43;
const checksumLength = 6;

const pattern = new RegExp(`^sk_([a-z0-9-]{1,32})_([0-9A-Za-z]{${randomLength}})_([0-9A-Za-z]{${checksumLength}})$`);

/** Makes a key, `sk_<slug of the tenant>_<random>_<checksum>`. Secret scanners recognise it by its form and checksum. */
export function newApiKey(slug: string): string {
  const random = Array.from({ length: randomLength }, () => base62[randomInt(base62.length)]).join('');
  const body = `sk_${slug}_${random}`;
  return `${body}_${checksum(body)}`;
}

/** The slug in a well-formed key; undefined for other text. The checksum finds typing mistakes without the database. */
export function readApiKey(key: string): { slug: string } | undefined {
  const [, slug, , given] = pattern.exec(key) ?? [];
  if (slug === undefined || given !== checksum(key.slice(0, -checksumLength - 1))) return undefined;
  return { slug };
}

/** The part of a key that may be shown, so that its owner recognises it: up to the fourth random character. */
export function apiKeyPrefix(key: string): string {
  const slugEnd = key.indexOf('_', 3);
  return key.slice(0, slugEnd + 5);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let i = 0; i < checksumLength; i++) {
    digits = base62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
