/** Readers of option values. Each throws commander's `InvalidArgumentError`, which says what the option takes. */
import { InvalidArgumentError } from 'commander';

/** A whole number of a range. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw new InvalidArgumentError(`It takes a whole number: ${range}.`);
  };
}

/** A number of a range, such as a rate or a share. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It takes a number: ${least} to ${most}.`);
  };
}

/** How many entries of a list are shown. */
export function listLimit(text: string): number {
  return text === 'all' ? Infinity : whole(1)(text);
}

const seconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time from now, such as `90s`, `10m`, `2h` or `7d`, as a time of day in UTC. */
export function timeFromNow(text: string): string {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) throw new InvalidArgumentError('It takes a length such as 90s, 10m, 2h or 7d.');
  return new Date(Date.now() + Number(match[1]) * (seconds[match[2] ?? ''] ?? 0) * 1_000).toISOString();
}

/** A time, such as 2026-03-01T19:00:00Z, or how long ago, such as `10m`. */
export function time(text: string): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return new Date(Date.now() - Number(ago[1]) * (seconds[ago[2] ?? ''] ?? 0) * 1_000).toISOString();
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It takes a time such as 2026-03-01T19:00:00Z, or how long ago, such as 10m or 2d.');
  return new Date(at).toISOString();
}

/** A pair such as `name=value`, added to those before. */
export function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It takes a name and a value, such as colour=red.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
