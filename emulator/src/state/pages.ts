import { createHash } from 'node:crypto';
import { ServiceError } from '../wire/service-error.ts';

/** The paging members every list operation has. */
export interface PageInput {
  nextToken?: string;
  maxResults?: number;
}

/** AWS's default page (service model: 50, but 100 for a few lists). */
const DEFAULT_PAGE = 50;

/**
 * One page of a list. A token is opaque: base64url of the key of the last item served and a mark of the list it belongs
 * to. It names an item, not an offset, so that items made or deleted between two pages shift nothing.
 *
 * @param list Name of the operation and its filters: a token of one list is refused by another.
 * @param keyOf Names an item, uniquely in its list.
 */
export function page<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  list: string,
  input: PageInput,
  defaultSize: number = DEFAULT_PAGE,
): { items: Item[]; nextToken?: string } {
  const mark = createHash('sha256').update(list).digest('base64url').slice(0, 12);
  const start = input.nextToken ? startOf(items, keyOf, mark, input.nextToken) : 0;
  const size = input.maxResults ?? defaultSize;
  const found = items.slice(start, start + size);
  const last = found.at(-1);
  if (last === undefined || start + size >= items.length) return { items: found };
  return { items: found, nextToken: writeToken(mark, start + size, keyOf(last)) };
}

function startOf<Item>(items: readonly Item[], keyOf: (item: Item) => string, mark: string, token: string): number {
  const [tokenMark, position, key] = readToken(token);
  if (tokenMark !== mark)
    throw new ServiceError('ValidationException', 'nextToken is of another list', { reason: 'OTHER' });
  const index = items.findIndex((item) => keyOf(item) === key);
  // The item the page ended at is gone: go on where it was.
  return index === -1 ? Math.min(position, items.length) : index + 1;
}

function writeToken(mark: string, position: number, key: string): string {
  return Buffer.from(JSON.stringify([mark, position, key])).toString('base64url');
}

function readToken(token: string): [string, number, string] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (
      Array.isArray(parts) &&
      typeof parts[0] === 'string' &&
      Number.isInteger(parts[1]) &&
      typeof parts[2] === 'string'
    ) {
      return [parts[0], Math.max(parts[1] as number, 0), parts[2]];
    }
  } catch {
    // falls through: whatever it is, it is no token of ours
  }
  throw new ServiceError('ValidationException', 'nextToken is not one that this service gave', { reason: 'OTHER' });
}
