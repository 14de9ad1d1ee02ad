/**
 * How many code points a text has, which is how Smithy and the chat service count characters. Stops counting one above
 * `limit`, so that a huge text costs no more than a small one.
 */
export function codePoints(text: string, limit = Infinity): number {
  let count = 0;
  for (const _ of text) {
    count += 1;
    if (count > limit) break;
  }
  return count;
}
