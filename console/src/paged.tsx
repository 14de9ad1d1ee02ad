import { Button } from '@mantine/core';
import { useInfiniteQuery, type UseInfiniteQueryResult } from '@tanstack/react-query';

import { read } from './api.ts';
import { List, type ListProps } from './pages/List.tsx';
import { usePageText } from './text/pages.ts';
import type { Page } from './types.ts';

/** The entries that one page of a list has. */
const pageSize = 50;

/** Where few entries fit a search, the service gives pages without any. So many of them are passed over at once. */
const mostEmptyPages = 20;

/** A list that is read page by page, as the person asks for more. What is undefined is left out of the query. */
export function usePages<T>(
  queryKey: unknown[],
  path: string,
  query: Record<string, string | undefined> = {},
  options: { enabled?: boolean; refetchInterval?: number } = {},
): UseInfiniteQueryResult<T[]> {
  const asked = Object.entries({ ...query, limit: String(pageSize) }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return useInfiniteQuery({
    queryKey: [...queryKey, path, asked],
    queryFn: async ({ pageParam, signal }) => {
      let page: Page<T> = { data: [], nextCursor: pageParam };
      let pages = 0;
      do {
        const cursor: [string, string][] = page.nextCursor === null ? [] : [['cursor', page.nextCursor]];
        page = await read<Page<T>>(`${path}?${new URLSearchParams([...asked, ...cursor])}`, signal);
        pages += 1;
      } while (page.data.length === 0 && page.nextCursor !== null && pages < mostEmptyPages);
      return page;
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
    select: ({ pages }) => pages.flatMap(({ data }) => data),
    ...options,
  });
}

type Props<T> = Omit<ListProps<T>, 'found' | 'more'> & { found: UseInfiniteQueryResult<T[]> };

/** A list that goes on when the person asks for more. */
export function PagedList<T>({ found, ...rest }: Props<T>) {
  const { common } = usePageText();
  const more = found.hasNextPage ? (
    <Button
      variant="default"
      size="xs"
      w="fit-content"
      loading={found.isFetchingNextPage}
      onClick={() => void found.fetchNextPage()}
    >
      {common.more}
    </Button>
  ) : null;
  return <List<T> {...rest} found={found} more={more} />;
}
