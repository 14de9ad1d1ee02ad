/** An interrupted run does not come here. The keeper (dev/keeper.ts) then stops the server and removes its data. */
export default async function tearDown(): Promise<void> {
  await globalThis.sharedByTests?.stop();
}
