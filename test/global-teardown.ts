/** An interrupted run does not get here: then the keeper (dev/keeper.ts) stops the server and removes its data. */
export default async function tearDown(): Promise<void> {
  await globalThis.testPostgres?.stop();
}
