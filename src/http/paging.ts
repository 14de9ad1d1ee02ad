import { z } from 'zod';
import { invalid } from '../errors.ts';
import type { IdPrefix } from '../ids.ts';
import { text } from './text.ts';

/**
 * Largest number of rows that one page looks at, where no index serves all filters together. Such a page may show fewer
 * entries than were asked for, or none, and has a `nextCursor` all the same.
 */
export const rowsLookedAt = 2_000;

/** Sorts behind every id of ours: their prefixes begin with an earlier letter. */
export const behindAllIds = 'zzz';

/** What a SQL function finds for a page of a list by id. `end` is the last row that it looked at, null if it looked at all. */
export const foundPage = z.object({ ids: z.array(z.string()), end: z.string().nullable() });

/** What a SQL function finds for a page of a list by time. `end` is the place of the last row that it looked at. */
export const foundPageByTime = z.object({
  ids: z.array(z.string()),
  end: z.object({ id: z.string(), at: z.coerce.date().nullable() }).nullable(),
});

/** Later than every time in a list. */
export const endOfTime = new Date('9999-12-31T00:00:00Z');

/** A place in a list: by id if it has no time, else by time and then by id. */
export interface Place {
  id: string;
  at: Date | null;
}

/**
 * The key of a place, for a cursor. That of a place by time sorts behind all ids: a replica of a build that lists by id
 * begins its list again, instead of ending it.
 */
export function keyAt({ id, at }: Place): string {
  return at === null ? id : `${behindAllIds} ${at.toISOString()} ${id}`;
}

const placeByTime = new RegExp(`^(?:${behindAllIds} )?(\\d{4}-\\S+Z) (.*)$`, 's');

/** The place that a key names; undefined if there is none. Some builds wrote the time first. */
export function placeOf(key: string | undefined): Place | undefined {
  if (key === undefined) return undefined;
  const [, time = '', id = ''] = placeByTime.exec(key) ?? [];
  if (time === '') return { id: key, at: null };
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) throw invalid('cursor', 'must be a nextCursor of this list');
  return { id, at };
}

/** Query parameters of every list. */
export const pageQuery = {
  limit: z
    .preprocess(
      // Takes digits only: Number() would read "0x10", "1e1" and blanks as numbers too.
      (given) => (typeof given === 'string' && /^\d{1,3}$/.test(given) ? Number(given) : given),
      z.int().min(1).max(100).default(50),
    )
    .meta({ description: 'Maximum number of entries in the page.' }),
  cursor: text(1, 1024)
    .optional()
    .meta({ description: '`nextCursor` of the previous page. Text that is none of this list is refused.' }),
};

/** The query of a list without filters. */
export const listQuery = z.strictObject(pageQuery);
export type ListQuery = z.output<typeof listQuery>;

/** Schema of the answer of a list. For items with the id `Space` its id is `SpacePage`. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  const page = z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().meta({
      description:
        'Cursor of the next page; null on the last page. A page may have fewer entries than `limit`, or none, and a next page all the same: only null is the end.',
    }),
  });
  const { id, examples = [] } = (item.meta() ?? {}) as { id?: string; examples?: unknown[] };
  if (id === undefined) throw new Error('the items of a list need an id, for the OpenAPI document');
  return page.meta({ id: `${id}Page`, examples: [{ data: examples.slice(0, 1), nextCursor: null }] });
}

/** One page of a list, as the caller gets it. */
export interface Page<Item> {
  data: Item[];
  nextCursor: string | null;
}

/** Keys of a list by id: ids of this kind. */
export function idKeys(prefix: IdPrefix): RegExp {
  return new RegExp(`^${prefix}_\\w+$`);
}

/** Keys of a list that is ordered by time, or by id: see `keyAt`. A place by time may name no id: it is before all ids. */
export function timeKeys(prefix: IdPrefix): RegExp {
  return new RegExp(`^(?:${prefix}_\\w+|(?:${behindAllIds} )?\\d{4}-\\S+Z (?:${prefix}_\\w+)?)$`);
}

/** Keys of a list that is ordered by a number. */
export const numberKeys = /^\d{1,18}$/;

/** Keys of a list by user: a tenant chooses the ids of its users. */
export const userKeys = /^[^]{1,128}$/u;

/** Keys of a list by participant. */
export const participantKeys = /^[\w-]+$/;

/**
 * The key after which the page begins; undefined for the first page. A caller may make up a cursor that could be of this
 * list: it only names a position, and row-level security decides which rows are visible.
 * @param keys what the keys of this list look like.
 * @throws Problem `invalid_request` if the text cannot be a `nextCursor` of this list.
 */
export function readCursor(cursor: string | undefined, keys: RegExp): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, 'base64url').toString();
  if (key.includes('\0') || cursorAfter(key) !== cursor || !keys.test(key)) {
    throw invalid('cursor', 'must be a nextCursor of this list');
  }
  return key;
}

/** The cursor of a page that begins after this key. */
export function cursorAfter(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/**
 * Makes a page of at most `limit` items. `rows` must be ordered by `keyOf`, and fetched with `limit + 1`.
 * @param end key of the last row that the page looked at; null or undefined if it looked at all.
 */
export function toPage<Row, Item>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => Item,
  end?: string | null,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const key = (rows.length > limit && last !== undefined ? keyOf(last) : end) ?? null;
  return { data: shown.map(toItem), nextCursor: key === null ? null : cursorAfter(key) };
}
