/** What the sample is told at its start. Nothing of it is built in: the page reads it from a file beside it. */
export interface Configuration {
  /** Address of the Stagedoor service. Default: the server of this page. */
  url?: string;
  spaceId: string;
  /** Address of an IVS emulator. Without it the stage and the room are those of Amazon IVS. */
  emulator?: string | null;
  /** Who uses the page: the first one is the host, each other one gets a pane of their own. */
  users: User[];
}

/** A user of the demo. In an app of your own there is one: whoever is signed in. */
export interface User {
  userId: string;
  name: string;
  /** JWT of your identity provider. A Stagedoor issuer must be registered for it. */
  token: string;
}

/** Reads `demo.json`, which the server of the page makes. */
export async function loadConfiguration(): Promise<Configuration> {
  const response = await fetch('demo.json', { cache: 'no-store' });
  if (!response.ok) throw new Error(`demo.json was answered with ${response.status}. The README says what it holds.`);
  return (await response.json()) as Configuration;
}

/** The JWT of a user. It is read anew each time, as an app asks its identity provider: so it never is too old. */
export async function userToken(userId: string): Promise<string | null> {
  const { users } = await loadConfiguration();
  return users.find((user) => user.userId === userId)?.token ?? null;
}
