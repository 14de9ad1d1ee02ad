/** Whether `npm run test:faults` asks for the sizes of the issue, which take minutes; `npm test` has small ones. */
export const fullSize = process.env['FAULTS'] === 'full';

/** The number for this run: the first in `npm test`, the second at full size. */
export function sized(small: number, full: number): number {
  return fullSize ? full : small;
}

/** Runs `work` for 0 … count - 1, `width` of them at a time. */
export async function inParallel(count: number, width: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1); // oxlint-disable-line no-await-in-loop -- one after the other is the point
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
