/** Fetches all pages of a list, and puts their items together. */
export async function collectPages<Item>(
  fetchPage: (nextToken: string | undefined) => Promise<{ items: Item[]; nextToken?: string | undefined }>,
): Promise<Item[]> {
  const all: Item[] = [];
  let nextToken: string | undefined;
  do {
    const page = await fetchPage(nextToken);
    all.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return all;
}
