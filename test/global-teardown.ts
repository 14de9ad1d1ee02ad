/** An interrupted run does not come here. The cleaner (dev/cleaner.ts) then stops the server and removes its data. */
export default async function tearDown(): Promise<void> {
  await globalThis.sharedByTests?.stop();
}
