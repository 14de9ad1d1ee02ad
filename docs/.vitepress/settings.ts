/** The page of the settings is made of `.env.example`, so that each setting is described once. */
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

/** One heading for each group of `.env.example`, and below it one for each setting with its sentences and its example. */
export const settingsText = text
  .split(/^# ---- (.+?) -+$/m)
  .slice(1)
  .map((part, at) => (at % 2 === 0 ? `## ${part}\n\n` : settingsOf(part)))
  .join('');

function settingsOf(group: string): string {
  return group
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      const [name = '', ...value] = (lines.pop() ?? '').replace(/^#/, '').split('=');
      const sentences = lines.map((line) => line.replace(/^# ?/, '')).join(' ');
      return `### ${name}\n\n${sentences}\n\nExample: \`${value.join('=')}\`\n\n`;
    })
    .join('');
}
