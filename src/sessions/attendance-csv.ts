import type { Attendance } from './sessions.schemas.ts';

/** The columns, in their order. */
const columns = [
  'userId',
  'participantId',
  'role',
  'joinedAt',
  'leftAt',
  'seconds',
  'stays',
  'published',
] as const satisfies (keyof Attendance)[];

/** The first line of the file (RFC 4180). */
export const csvHeader = `${columns.join(',')}\r\n`;

/** One line of the file. */
export function csvLine(row: Attendance): string {
  return `${columns.map((column) => cell(String(row[column] ?? ''))).join(',')}\r\n`;
}

/**
 * A cell. Spreadsheets run text that begins like a formula, and user ids come from strangers: such a cell begins with an
 * apostrophe.
 */
function cell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
