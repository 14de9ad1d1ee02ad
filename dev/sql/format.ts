/**
 * Formats the SQL functions: `format.ts` writes them, `format.ts --check` only says which are not as it would write them.
 *
 * It refuses a file of which more than the layout would change: words and comments must be the same before and after.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadModule, scanSync } from 'libpg-query';
import { format } from 'prettier';

import { layout, settings } from './layout.ts';

await loadModule();
// Else the formatter leaves a body that it cannot read as it is, without a word.
process.env['PRETTIER_DEBUG'] = '1';

/**
 * Formats the text of one file.
 *
 * @throws if the formatter cannot read the file, or would change more than its layout.
 */
export async function formatSql(text: string): Promise<string> {
  const formatted = unmask(await format(mask(wrapComment(text)), { ...settings, plugins: [layout] }));
  const [before, after] = [words(text), words(formatted)];
  const at = before.findIndex((word, i) => word !== after[i]);
  if (at >= 0 || before.length !== after.length) {
    const [is, was] = [after, before].map((list) => list.slice(Math.max(0, at - 3), at + 4).join(' '));
    throw new Error(`the formatter would change the code: ${was} became ${is}. Remedy: write it in another way`);
  }
  return formatted;
}

/** Moves what is too long in the comment at the top to the next line of the same paragraph. */
function wrapComment(text: string): string {
  const end = text.split('\n').findIndex((line) => !line.startsWith('--'));
  const lines = text.split('\n');
  for (let i = 1; i < Math.max(end, 1); i++) {
    const line = lines[i] ?? '';
    const space = line.lastIndexOf(' ', settings.printWidth);
    if (line.length <= settings.printWidth || space <= '--'.length) continue;
    const rest = line.slice(space + 1);
    lines[i] = line.slice(0, space);
    if (/^-- \S/.test(lines[i + 1] ?? '')) lines[i + 1] = `-- ${rest} ${lines[i + 1]?.slice('-- '.length)}`;
    else lines.splice(i + 1, 0, `-- ${rest}`);
  }
  return lines.join('\n');
}

// The formatter's parser does not know these three. It sees a comment, an assignment and another spelling in their place.

function mask(text: string): string {
  return text
    .replaceAll(/^#(variable_conflict \w+)$/gm, '-- !#$1')
    .replaceAll(/\bget diagnostics (\w+) = (\w+);/g, '$1 := get_diagnostics_$2;')
    .replaceAll(/\belsif\b/g, 'elseif');
}

function unmask(text: string): string {
  return text
    .replaceAll(/^ *-- !#(variable_conflict \w+)$/gm, '#$1')
    .replaceAll(/\b(\w+) := get_diagnostics_(\w+);/g, 'get diagnostics $1 = $2;')
    .replaceAll(/\belseif\b/g, 'elsif');
}

/** What must survive: every token and comment, those of a function's body included, without what the formatter may add. */
function words(text: string): string[] {
  return scanSync(text).tokens.flatMap(({ text, tokenName }) => {
    const body = /^(\$\w*\$)([\s\S]*)\1$/.exec(text)?.[2];
    if (body !== undefined) return words(body.replaceAll(/^#variable_conflict/gm, 'variable_conflict'));
    if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT')
      return text.split(/\s+/).flatMap((word) => (/^(--)?$/.test(word) ? [] : [`-- ${word.replace(/^--/, '')}`]));
    if (text === ';' || /^(as|inner)$/i.test(text)) return [];
    return [text === '<>' ? '!=' : /^e?['"]/i.test(text) ? text : text.toLowerCase()];
  });
}

/** The functions' files, relative to the root of the project. */
export function sqlFiles(root: string): string[] {
  return globSync('src/*/sql/*.sql', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
}

async function main(check: boolean, root: string): Promise<number> {
  const complaints: string[] = [];
  for (const file of sqlFiles(root)) {
    const place = path.join(root, file);
    const text = readFileSync(place, 'utf8');
    try {
      const formatted = await formatSql(text);
      if (formatted === text) continue;
      if (check) complaints.push(`${file}: not formatted`);
      else writeFileSync(place, formatted);
    } catch (error) {
      complaints.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const complaint of complaints) console.log(complaint);
  return complaints.length > 0 ? 1 : 0;
}

if (import.meta.main)
  process.exitCode = await main(process.argv.includes('--check'), path.resolve(import.meta.dirname, '../..'));
