import { createSecretKey } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials, SessionCredential } from '../accounts/credentials.ts';
import type { ScheduledChange } from './schedule.ts';
import { emptyScope, type Scope } from './scope.ts';
import type { World } from './world.ts';

/**
 * What the emulator keeps across a restart: everything except open connections, faults, used quotas and the journal.
 */
interface Snapshot {
  version: 1;
  secret: string;
  scopes: Map<string, Scope>;
  waiting: ScheduledChange[];
  /** Missing in a file of an emulator that did not keep it yet. */
  usedChatTokens?: Map<string, number>;
  sessions: SessionCredential[];
}

/** How long a change waits to be written. All changes of that time are written at once. */
const WRITE_DELAY_MS = 200;

/** Keeps the world in one JSON file. Each write replaces the whole file. */
export class Persistence {
  readonly #file: string;
  readonly #world: World;
  readonly #credentials: Credentials;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, world: World, credentials: Credentials) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = join(folder, 'ivs-emulator.json');
    this.#world = world;
    this.#credentials = credentials;
  }

  /**
   * Restores the world from the file. Returns `false` when there is no file.
   *
   * @throws Error when another version of the emulator wrote the file, or when it is damaged. The message names the file.
   */
  load(): boolean {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
    const snapshot = readSnapshot(text, this.#file);
    const world = this.#world;
    world.secret = createSecretKey(snapshot.secret, 'base64');
    for (const [key, scope] of snapshot.scopes) {
      world.scopes.set(key, { ...emptyScope(scope.account, scope.region), ...withoutEndedCompositions(scope) });
    }
    world.schedule.waiting = snapshot.waiting;
    world.usedChatTokens = snapshot.usedChatTokens ?? new Map();
    this.#credentials.sessions = snapshot.sessions;
    return true;
  }

  /** Writes the world after a short delay. */
  saveSoon(): void {
    this.#timer ??= setTimeout(() => this.save(), WRITE_DELAY_MS);
  }

  /** Writes the world now. A new file replaces the old one at the end, so that a crash leaves the old file complete. */
  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { secret, scopes, schedule, usedChatTokens } = this.#world;
    const snapshot: Snapshot = {
      version: 1,
      secret: secret.export().toString('base64'),
      scopes,
      waiting: schedule.waiting,
      usedChatTokens,
      sessions: this.#credentials.sessions,
    };
    writeFileSync(`${this.#file}.new`, stringify(snapshot), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** Writes the changes that are not on disk yet. */
  stop(): void {
    if (this.#timer) this.save();
  }
}

/** An emulator that kept compositions after their end may have written the file. Nothing would delete them now. */
function withoutEndedCompositions(scope: Scope): Scope {
  const compositions = [...(scope.compositions ?? [])].filter(([, { state }]) => state !== 'STOPPED');
  return { ...scope, compositions: new Map(compositions) };
}

/**
 * Reads the text of a file.
 *
 * @throws Error that names the file, and says what its user can do.
 */
function readSnapshot(text: string, file: string): Snapshot {
  const remedy = 'Move it away to begin with an empty state, or put back a copy';
  let snapshot: Partial<Record<keyof Snapshot, unknown>> | null;
  try {
    snapshot = parse(text) as typeof snapshot;
  } catch (error) {
    throw new Error(`${file} is damaged: ${(error as Error).message}. ${remedy}.`, { cause: error });
  }
  const { version, secret, scopes, waiting, sessions, usedChatTokens = new Map() } = snapshot ?? {};
  if (version !== undefined && version !== 1) {
    throw new Error(`${file} was written by another version of the emulator. ${remedy}.`);
  }
  const isWhole =
    version === 1 &&
    typeof secret === 'string' &&
    Buffer.from(secret, 'base64').length === 32 &&
    [scopes, usedChatTokens].every((map) => map instanceof Map) &&
    [waiting, sessions].every(Array.isArray);
  if (!isWhole) throw new Error(`${file} is damaged: it does not hold a state of the emulator. ${remedy}.`);
  return snapshot as Snapshot;
}

/** Writes JSON. It has no Map and no Set, so they become `{ "$map": [[key, value], …] }` and `{ "$set": […] }`. */
function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Map) return { $map: [...item] };
    if (item instanceof Set) return { $set: [...item] };
    return item;
  });
}

function parse(text: string): unknown {
  return JSON.parse(text, (_key, item: unknown) => {
    if (typeof item !== 'object' || item === null) return item;
    if ('$map' in item && Array.isArray(item.$map)) return new Map(item.$map as [unknown, unknown][]);
    if ('$set' in item && Array.isArray(item.$set)) return new Set(item.$set);
    return item;
  });
}
