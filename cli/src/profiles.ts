import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { UsageError } from './errors.ts';
import { tell } from './terminal.ts';

/** A deployment, and how this person calls it. */
const profile = z.strictObject({
  url: z.string(),
  apiKey: z.string().optional(),
  operatorToken: z.string().optional(),
});
export type Profile = z.output<typeof profile>;

const file = z.strictObject({
  /** The profile that counts when none is named. */
  current: z.string().optional(),
  profiles: z.record(z.string(), profile),
});
export type Profiles = z.output<typeof file>;

/** The file with the profiles, in the folder that the system has for settings of a user. */
export function profilesFile(env: NodeJS.ProcessEnv = process.env): string {
  // The XDG specification says to pass over a path that is not absolute.
  const xdg = env['XDG_CONFIG_HOME'];
  const base =
    xdg !== undefined && path.isAbsolute(xdg)
      ? xdg
      : process.platform === 'win32' && env['APPDATA']
        ? env['APPDATA']
        : path.join(os.homedir(), '.config');
  return path.join(base, 'stagedoor', 'profiles.json');
}

/** Reads the profiles. There are none if there is no file. */
export function readProfiles(): Profiles {
  const name = profilesFile();
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} };
    throw new UsageError(`${name} cannot be read: ${(error as Error).message}`);
  }
  if (process.platform !== 'win32' && (statSync(name).mode & 0o077) !== 0) {
    tell(`stagedoor: Others could read ${name}, which holds credentials. It is now yours alone.`);
    chmodSync(name, 0o600);
  }
  const parsed = file.safeParse(parseJson(text));
  // The content is not shown: it holds credentials.
  if (!parsed.success) throw new UsageError(`${name} is damaged. Move it away, and add the profiles again.`);
  return parsed.data;
}

/** Replaces the profiles as a whole. A program that is killed meanwhile leaves the old file. */
export function writeProfiles(profiles: Profiles): void {
  const name = profilesFile();
  mkdirSync(path.dirname(name), { recursive: true, mode: 0o700 });
  const fresh = `${name}.${process.pid}.new`;
  try {
    writeFileSync(fresh, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(fresh, name);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** The profile with a name. */
export function profileNamed({ profiles }: Profiles, name: string): Profile {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found) return found;
  const names = Object.keys(profiles);
  const known = names.length === 0 ? 'There are none yet: stagedoor profile add' : `There are ${names.join(', ')}`;
  throw new UsageError(`There is no profile ${name}. ${known}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
