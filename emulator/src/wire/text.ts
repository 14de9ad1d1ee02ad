/**
 * The number of code points of a text. Smithy and the chat service count characters in this way. Counting stops at one
 * above `limit`, so that a huge text takes no longer than a small one.
 */
export function codePoints(text: string, limit = Infinity): number {
  let count = 0;
  for (const _ of text) {
    count += 1;
    if (count > limit) break;
  }
  return count;
}
