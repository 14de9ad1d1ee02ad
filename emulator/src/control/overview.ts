import type { ArmedFault, Faults } from '../faults/faults.ts';
import type { Journal, JournalEntry } from '../journal/journal.ts';
import type { CountLimits } from '../quotas/limits.ts';
import type { RateMode } from '../quotas/rates.ts';
import { type RateUse, ratesUsed } from '../quotas/use.ts';
import { activeSession, connectedIn } from '../stage/session.ts';
import { iso } from '../clock.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** The first items of a list, and the number of all items. */
export interface Excerpt<Item> {
  total: number;
  first: Item[];
}

export interface StageOverview {
  arn: string;
  name: string;
  account: string;
  region: string;
  sessionId: string | undefined;
  /** The participants who are connected. */
  participants: Excerpt<{ participantId: string; userId: string; publishing: boolean; mint: string }>;
}

export interface RoomOverview {
  arn: string;
  name: string;
  account: string;
  region: string;
  /** The users who are connected, with the number of their connections. */
  users: Excerpt<{ userId: string; connections: number }>;
}

/** How many resources of one kind an account has in a Region, and how many it may have. */
export interface CountUse {
  account: string;
  region: string;
  what: string;
  used: number;
  limit: number;
}

/** The data of the page at `/`. Lists are cut, so that the page can ask for it every second. */
export interface Overview {
  /** The time of the emulator's clock, in ISO 8601. */
  now: string;
  /** The stages with the most participants come first. */
  stages: Excerpt<StageOverview>;
  rooms: Excerpt<RoomOverview>;
  quotaMode: RateMode;
  rates: RateUse[];
  counts: CountUse[];
  faults: readonly ArmedFault[];
  /** The last 50 calls, newest first, without their input. */
  calls: Omit<JournalEntry, 'input'>[];
}

const MAX_RESOURCES = 50;
const MAX_PEOPLE = 25;
const MAX_CALLS = 50;

/** Collects the data of the page. */
export function overviewOf(world: World, faults: Faults, journal: Journal): Overview {
  const scopes = [...world.scopes.values()];
  const stages = scopes.flatMap((scope) => stagesOf(scope));
  const rooms = scopes.flatMap((scope) => roomsOf(world, scope));
  return {
    now: iso(world.clock.now()),
    stages: excerpt(
      stages.sort((a, b) => b.participants.total - a.participants.total),
      MAX_RESOURCES,
    ),
    rooms: excerpt(
      rooms.sort((a, b) => b.users.total - a.users.total),
      MAX_RESOURCES,
    ),
    quotaMode: world.rates.mode,
    rates: ratesUsed(journal, world.rates, world.clock),
    counts: scopes.flatMap((scope) => countsOf(world, scope)),
    faults: faults.armed,
    calls: journal
      .find({ limit: MAX_CALLS })
      .reverse()
      .map(({ input: _input, ...call }) => call),
  };
}

function stagesOf({ account, region, stages, stageLives }: Scope): StageOverview[] {
  return [...stages.values()].map(({ arn, name = '' }) => {
    const session = activeSession(stageLives.get(arn));
    const participants = connectedIn(session).map(({ participant, publishing, mint }) => ({
      participantId: participant.participantId,
      userId: participant.userId ?? '',
      publishing,
      mint,
    }));
    return {
      arn,
      name,
      account,
      region,
      sessionId: session?.sessionId,
      participants: excerpt(participants, MAX_PEOPLE),
    };
  });
}

function roomsOf(world: World, { account, region, rooms }: Scope): RoomOverview[] {
  return [...rooms.values()].map(({ arn, name = '' }) => {
    const connections = new Map<string, number>();
    for (const { userId } of world.chatRooms.list(arn)) connections.set(userId, (connections.get(userId) ?? 0) + 1);
    const users = Array.from(connections, ([userId, count]) => ({ userId, connections: count }));
    return { arn, name, account, region, users: excerpt(users, MAX_PEOPLE) };
  });
}

const COUNTED = [
  'stages',
  'publicKeys',
  'encoderConfigurations',
  'storageConfigurations',
  'ingestConfigurations',
  'loggingConfigurations',
] as const satisfies (keyof Scope & keyof CountLimits)[];

/** The number of resources of each kind that a scope has any of, with the limit. */
function countsOf(world: World, scope: Scope): CountUse[] {
  const { account, region } = scope;
  return COUNTED.filter((what) => scope[what].size > 0).map((what) => ({
    account,
    region,
    what,
    used: scope[what].size,
    limit: world.limits[what],
  }));
}

function excerpt<Item>(items: Item[], max: number): Excerpt<Item> {
  return { total: items.length, first: items.slice(0, max) };
}
