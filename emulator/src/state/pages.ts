import { createHash } from 'node:crypto';
import { ServiceError } from '../wire/service-error.ts';

/** The members for paging in the input of every list operation. */
export interface PageInput {
  nextToken?: string;
  maxResults?: number;
}

/** The default size of a page (service model: 50 for most lists, 100 for a few). */
const DEFAULT_SIZE = 50;

/**
 * Returns one page of a list. The token for the next page names the last item of this page and not an offset, so that
 * items that are made or deleted between two pages do not shift the list.
 *
 * @param list The name of the operation and its filters. A token works only for the list that made it.
 * @param keyOf Returns a key that is unique in the list.
 * @throws ServiceError for a token that this list did not make.
 */
export function page<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  list: string,
  input: PageInput,
  defaultSize: number = DEFAULT_SIZE,
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
  // The last item of the page before was deleted. The list goes on from the place where that item was.
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
    // The text is not base64url of JSON. The error below says so.
  }
  throw new ServiceError('ValidationException', 'nextToken is not one that this service gave', { reason: 'OTHER' });
}
