import { z } from 'zod';
import type { Checkpoint } from './checkpoint.ts';

/** Largest number of entries of one file. */
export const entriesOfFile = 5_000;

/** A row of `audit_lines`. */
export const lineRow = z.object({ seq: z.coerce.bigint(), line: z.string() });

/** The name of the file with the entries of a tenant from one place to another. Names sort as their entries do. */
export function fileOf(tenantId: string, from: bigint, to: bigint): string {
  const place = (seq: bigint) => String(seq).padStart(12, '0');
  return `${tenantId}/${place(from)}-${place(to)}.jsonl`;
}

/** The line of a checkpoint, below its last entry. */
export function checkpointLine({ kind, seq, hash, at, key, signature }: Checkpoint): string {
  const hex = Buffer.from(hash).toString('hex');
  const sign = Buffer.from(signature).toString('base64url');
  return JSON.stringify({
    checkpoint: { kind, seq: Number(seq), hash: hex, at: at.toISOString(), key, signature: sign },
  });
}
