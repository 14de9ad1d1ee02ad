import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Reply } from './reply.ts';

const read = (name: string) => readFileSync(new URL(`../../page/${name}`, import.meta.url), 'utf8');

/** Makes the page out of its three files. */
function assemble(): Reply {
  const style = `\n${read('page.css')}`;
  const script = `\n${read('page.js')}`;
  const body = read('page.html')
    .replace(/\s*\/\* page\.css \*\/\s*/, () => style)
    .replace(/\s*\/\* page\.js \*\/\s*/, () => script);
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy(script, style),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
  return { status: 200, headers, body };
}

/**
 * The content security policy of the page. The page runs its own script only, sends requests to the emulator only, and
 * cannot be framed. Its icon is an empty `data:` URL, because a request for an icon would show up as an unknown AWS
 * call.
 */
function policy(script: string, style: string): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

let assembled: Reply | undefined;

/** The answer with the page at `/`, which shows what happens in the emulator. */
export function page(): Reply {
  assembled ??= assemble();
  return assembled;
}
