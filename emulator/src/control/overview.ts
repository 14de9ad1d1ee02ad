import type { ArmedFault, Faults } from '../faults/faults.ts';
import type { Journal, JournalEntry } from '../journal/journal.ts';
import type { CountLimits } from '../quotas/limits.ts';
import type { RateMode } from '../quotas/rates.ts';
import { type RateUse, ratesUsed } from '../quotas/use.ts';
import { activeSession, connectedIn } from '../stage/session.ts';
import { iso } from '../clock.ts';
import type { Scope } from '../state/scope.ts';
import type { World } from '../state/world.ts';

/** The first few of many, and how many there are. */
export interface Some<Item> {
  total: number;
  first: Item[];
}

export interface StageOverview {
  arn: string;
  name: string;
  account: string;
  region: string;
  sessionId: string | undefined;
  /** Those who are connected. */
  participants: Some<{ participantId: string; userId: string; publishing: boolean; mint: string }>;
}

export interface RoomOverview {
  arn: string;
  name: string;
  account: string;
  region: string;
  /** Those who are connected, and over how many connections. */
  users: Some<{ userId: string; connections: number }>;
}

/** How many of a thing an account has in a Region, of how many it may have. */
export interface CountUse {
  account: string;
  region: string;
  what: string;
  used: number;
  limit: number;
}

/** All that the page at `/` shows, small enough to be asked for every second. */
export interface Overview {
  /** By the emulator's clock. */
  now: string;
  /** Those with somebody in it first. */
  stages: Some<StageOverview>;
  rooms: Some<RoomOverview>;
  quotaMode: RateMode;
  rates: RateUse[];
  counts: CountUse[];
  faults: readonly ArmedFault[];
  /** The last calls, newest first, without their input. */
  calls: Omit<JournalEntry, 'input'>[];
}

const MOST_RESOURCES = 50;
const MOST_PEOPLE = 25;
const MOST_CALLS = 50;

/** Looks over the world. */
export function overviewOf(world: World, faults: Faults, journal: Journal): Overview {
  const scopes = [...world.scopes.values()];
  const stages = scopes.flatMap((scope) => stagesOf(scope));
  const rooms = scopes.flatMap((scope) => roomsOf(world, scope));
  return {
    now: iso(world.clock.now()),
    stages: some(
      stages.sort((a, b) => b.participants.total - a.participants.total),
      MOST_RESOURCES,
    ),
    rooms: some(
      rooms.sort((a, b) => b.users.total - a.users.total),
      MOST_RESOURCES,
    ),
    quotaMode: world.rates.mode,
    rates: ratesUsed(journal, world.rates, world.clock),
    counts: scopes.flatMap((scope) => countsOf(world, scope)),
    faults: faults.armed,
    calls: journal
      .find({ limit: MOST_CALLS })
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
      participants: some(participants, MOST_PEOPLE),
    };
  });
}

function roomsOf(world: World, { account, region, rooms }: Scope): RoomOverview[] {
  return [...rooms.values()].map(({ arn, name = '' }) => {
    const connections = new Map<string, number>();
    for (const { userId } of world.chatRooms.list(arn)) connections.set(userId, (connections.get(userId) ?? 0) + 1);
    const users = Array.from(connections, ([userId, count]) => ({ userId, connections: count }));
    return { arn, name, account, region, users: some(users, MOST_PEOPLE) };
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

/** What a scope has any of, against its limit. */
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

function some<Item>(items: Item[], most: number): Some<Item> {
  return { total: items.length, first: items.slice(0, most) };
}
