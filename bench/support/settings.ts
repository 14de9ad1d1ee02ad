/** Length of each load in seconds, and how often a comparison is repeated. */
export const seconds = Number(process.env['BENCH_SECONDS'] ?? 8);
export const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
/** How many streams of events are open at the same time in the part that needs many. */
export const streams = Number(process.env['BENCH_STREAMS'] ?? 5_000);
