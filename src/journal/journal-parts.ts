import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** An entry of the journal: a change that a restore from an older backup must not undo, as the audit log tells it. */
export const journalEntry = z.looseObject({
  tenantId: z.string(),
  /** Id of the audit entry. */
  id: z.string(),
  at: z.string(),
  action: z.string(),
});
export type JournalEntry = z.output<typeof journalEntry>;

/** A part of the journal: a file, whose entries were stored together. */
export interface JournalPart {
  /** Id of the journal. A database knows the id of its own. */
  journal: string;
  /** The first part has 1, and none is left out. */
  position: bigint;
  entries: JournalEntry[];
}

const lastLine = z.object({
  journal: z.uuid(),
  position: z.coerce.bigint(),
  mac: z.string(),
});

/** The name of the file of a part. Names sort as positions do, and a folder has ten thousand at most. */
export function nameOf(position: bigint): string {
  const digits = String(position).padStart(16, '0');
  return `${digits.slice(0, 12)}/${digits.slice(12)}.jsonl`;
}

/** The position of the part with this name; undefined: the file is no part. */
export function positionOf(name: string): bigint | undefined {
  const [, folder, file] = /^(\d{12})\/(\d{4})\.jsonl$/.exec(name) ?? [];
  return folder === undefined ? undefined : BigInt(`${folder}${file}`);
}

/** A part as text: JSON Lines with an entry in each, and a last one that proves the others. */
export function write({ journal, position, entries }: JournalPart, key: KeyObject): string {
  const body = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  const mac = macOf(journal, position, body, key).toString('base64url');
  return `${body}${JSON.stringify({ journal, position: Number(position), mac })}\n`;
}

/**
 * Reads a part.
 * @throws {Error} if it is not what a service with this key has written at this position.
 */
export function read(text: string, position: bigint, key: KeyObject): JournalPart {
  const fault = new Error(
    `Part ${position} of the journal is not as a service with this STAGEDOOR_MASTER_KEY has written it. Nothing of it is used.`,
  );
  const end = text.trimEnd().lastIndexOf('\n') + 1;
  const [body, last] = [text.slice(0, end), lastLine.safeParse(parse(text.slice(end)))];
  if (!last.success || last.data.position !== position) throw fault;
  const { journal, mac } = last.data;
  const [given, expected] = [Buffer.from(mac, 'base64url'), macOf(journal, position, body, key)];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw fault;
  const lines = body.split('\n').filter((line) => line !== '');
  return { journal, position, entries: lines.map((line) => journalEntry.parse(JSON.parse(line))) };
}

function macOf(journal: string, position: bigint, body: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(`${journal}\n${position}\n${body}`).digest();
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
