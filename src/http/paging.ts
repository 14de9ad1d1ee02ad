import { z } from 'zod';
import { invalid } from '../errors.ts';
import { text } from './text.ts';

/** The query of every list. */
export const pageQuery = {
  limit: z
    .preprocess(
      // Digits only: Number() would take "0x10", "1e1" and blanks for numbers too.
      (given) => (typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : given),
      z.int().min(1).max(100).default(50),
    )
    .meta({ description: 'Most entries to answer with.' }),
  cursor: text(1, 1024).optional().meta({ description: '`nextCursor` of the page before.' }),
};

export const listQuery = z.strictObject(pageQuery);
export type ListQuery = z.output<typeof listQuery>;

/** The answer of every list; `SpacePage` in the API's description, for a list of `Space`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  const page = z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last.' }),
  });
  const id = item.meta()?.id;
  return id === undefined ? page : page.meta({ id: `${id}Page` });
}

export interface Page<Item> {
  data: Item[];
  nextCursor: string | null;
}

/** The key after which the page begins. A cursor only says where to go on; what is seen there, row security decides. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, 'base64url').toString();
  if (key === '' || key.includes('\0') || Buffer.from(key).toString('base64url') !== cursor) {
    throw invalid('cursor', 'must be a nextCursor of this list');
  }
  return key;
}

/** Makes a page of rows fetched with `limit + 1`, ordered by `keyOf`. */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { data: shown.map(toItem), nextCursor: more ? Buffer.from(keyOf(last)).toString('base64url') : null };
}
