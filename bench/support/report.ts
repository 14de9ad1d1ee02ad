/** The output of the measurements. */
import os from 'node:os';

/** The machine, which every figure depends on. */
export function machine(): string {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  return [
    `${os.availableParallelism()} × ${cpu?.model.trim() ?? 'unknown processor'}, ${memory} GB, ${os.type()} ${os.release()}`,
    `Node ${process.version} (OpenSSL ${process.versions.openssl}), ${new Date().toISOString().slice(0, 16)}Z, load ${os
      .loadavg()
      .map((value) => value.toFixed(1))
      .join(' ')} at the start`,
  ].join('\n');
}

/** The lines of the report so far that stand by themselves, with the part that they belong to. */
const figures: { part: string; what: string; figure: string; beside: string }[] = [];
let currentPart = '';

/** Names the part that the next lines belong to. */
export function beginPart(name: string): void {
  currentPart = name;
}

export function heading(text: string): void {
  console.log(`\n## ${text}\n`);
}

/** Prints a line of the report: what was measured, the figure, and what it is compared with. */
export function line(what: string, figure: string, beside = ''): void {
  figures.push({ part: currentPart, what: what.trim(), figure, beside });
  console.log(`  ${what.padEnd(50)} ${figure.padStart(16)}   ${beside}`.trimEnd());
}

/** Prints all lines once more, as the rows of a table for docs/performance.md. Lists have too many: they are left out. */
export function summary(): void {
  heading('All figures, as the table of docs/performance.md');
  console.log('| part | what | figure | beside it |\n| --- | --- | --- | --- |');
  let last = '';
  for (const { part, what, figure, beside } of figures.filter(({ part: name }) => name !== 'lists')) {
    console.log(`| ${part === last ? '' : `\`${part}\``} | ${what} | ${figure} | ${beside} |`);
    last = part;
  }
}

export function note(text: string): void {
  console.log(`  ${text}`);
}

export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

/** A percentile of sorted values: the median is that of 0.5. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle value, because runs on a shared machine have outliers on both sides. */
export function median(values: number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
