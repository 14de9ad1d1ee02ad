/**
 * Formats the SQL functions: `format.ts` writes them, `format.ts --check` only says which are not as it would write them.
 *
 * A test of its own that nothing is lost: the words and the comments of a file must be the same before and after.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
  const formatted = unmask(await format(mask(text), { ...settings, plugins: [layout] }));
  const [before, after] = [words(text), words(formatted)];
  const at = before.findIndex((word, i) => word !== after[i]);
  if (at >= 0 || before.length !== after.length) {
    const [is, was] = [after, before].map((list) => list.slice(Math.max(0, at - 3), at + 4).join(' '));
    throw new Error(`the formatter would change the code: ${was} became ${is}. Remedy: write it in another way`);
  }
  return formatted;
}

// The formatter's parser does not know these three. It sees a comment, an assignment and another spelling in their place.

function mask(text: string): string {
  return text
    .replaceAll(/^#(variable_conflict \w+)$/gm, '-- !#$1')
    .replaceAll(/\bget diagnostics (\w+) = (\w+);/g, '$1 := get_diagnostics_$2;')
    .replaceAll(/^( *)elsif\b/gm, '$1elseif');
}

function unmask(text: string): string {
  return text
    .replaceAll(/^ *-- !#(variable_conflict \w+)$/gm, '#$1')
    .replaceAll(/\b(\w+) := get_diagnostics_(\w+);/g, 'get diagnostics $1 = $2;')
    .replaceAll(/^( *)elseif\b/gm, '$1elsif');
}

/** What must survive: every token and comment, those of a function's body included, without what the formatter may add. */
function words(text: string): string[] {
  return scanSync(text).tokens.flatMap(({ text, tokenName }) => {
    const body = /^(\$\w*\$)([\s\S]*)\1$/.exec(text)?.[2];
    if (body !== undefined) return words(body.replaceAll(/^#variable_conflict/gm, 'variable_conflict'));
    if (tokenName === 'SQL_COMMENT' || tokenName === 'C_COMMENT') return [text.replace(/^-- ?/, '-- ').trim()];
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

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = await main(process.argv.includes('--check'), path.resolve(import.meta.dirname, '../..'));
