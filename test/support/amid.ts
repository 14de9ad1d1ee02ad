/**
 * Writes the numbers from 1 to `last` in order, in `times` equal shares. In the middle of each share it interrupts, and the
 * writing goes on meanwhile. So the interruptions are spread over the writing, however long either takes.
 */
export async function writeAmid(
  last: number,
  times: number,
  steps: {
    /** Ends before a share begins. `nth` is from 0. */
    prepare: (nth: number) => Promise<unknown>;
    write: (n: number) => Promise<void>;
    interrupt: (nth: number) => Promise<void>;
  },
): Promise<void> {
  const endOf = (share: number) => Math.floor((share * last) / times);
  for (let nth = 0; nth < times; nth++) {
    await steps.prepare(nth);
    const middle = Promise.withResolvers<void>();
    const writing = async () => {
      for (let n = endOf(nth) + 1; n <= endOf(nth + 1); n++) {
        if (n > endOf(nth + 0.5)) middle.resolve();
        await steps.write(n);
      }
      middle.resolve();
    };
    await Promise.all([writing(), middle.promise.then(() => steps.interrupt(nth))]);
  }
}
