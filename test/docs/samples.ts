/** The samples of a page: its code blocks, in their order. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const docs = path.resolve(import.meta.dirname, '../../docs');

export interface Sample {
  /** The page and the line of the block, such as `docs/quickstart.md:31`. */
  at: string;
  /** What stands behind the opening fence, such as `sh` or `json problem`. */
  kind: string;
  text: string;
}

/** All pages of the site, by their paths in docs/. */
export function pages(): string[] {
  return globSync('**/*.md', { cwd: docs, exclude: (name) => /(^|[\\/])(node_modules|dist.*)$/.test(name) })
    .map((file) => file.split(path.sep).join('/'))
    .sort();
}

export function textOf(page: string): string {
  return readFileSync(path.join(docs, page), 'utf8');
}

export function samplesOf(page: string): Sample[] {
  const samples: Sample[] = [];
  let open: { indent: string; lines: string[] } | undefined;
  for (const [at, line] of textOf(page).split('\n').entries()) {
    const fence = /^(\s*)```(.*)$/.exec(line);
    if (!open && fence) {
      samples.push({ at: `docs/${page}:${at + 1}`, kind: (fence[2] ?? '').trim(), text: '' });
      open = { indent: fence[1] ?? '', lines: [] };
    } else if (open && fence) {
      samples.at(-1)!.text = open.lines.join('\n');
      open = undefined;
    } else open?.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
  }
  return samples;
}

/**
 * Where an answer differs from what a page shows. A text with `…` stands for every text with the same beginning and end.
 * The answer may have fields that the page does not show.
 */
export function differences(shown: unknown, real: unknown, at = ''): string[] {
  if (typeof shown === 'string' && shown.includes('…')) {
    const [beginning = '', end = ''] = shown.split('…');
    const fits = typeof real === 'string' && real.startsWith(beginning) && real.endsWith(end);
    return fits ? [] : [`${at}: ${JSON.stringify(real)} is not like ${shown}`];
  }
  if (typeof shown !== 'object' || shown === null)
    return Object.is(shown, real) ? [] : [`${at}: ${JSON.stringify(real)} is not ${JSON.stringify(shown)}`];
  if (typeof real !== 'object' || real === null) return [`${at}: ${JSON.stringify(real)} is not an object`];
  const lengths = Array.isArray(shown) && Array.isArray(real) && shown.length !== real.length;
  if (lengths) return [`${at}: ${real.length} entries are not ${shown.length}`];
  return Object.entries(shown).flatMap(([name, value]) =>
    differences(value, (real as Record<string, unknown>)[name], `${at}.${name}`),
  );
}
