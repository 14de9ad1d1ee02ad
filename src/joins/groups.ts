import { AsyncLocalStorage } from 'node:async_hooks';
import { Problem } from '../errors.ts';

/** What a decision locks in the database. */
interface Locking {
  spaceId: string;
  userId: string;
}

/** The requests of a tenant that one call decides on. */
export interface Group<Item> {
  tenantId: string;
  items: Item[];
}

/** The right of one call to be at the database, and of its tenants to have no other one there. */
interface Turn {
  tenantIds: string[];
  /** A call for one request may wait for a lock. A call for several never does. */
  isLone: boolean;
  /** Ends the turn of a lone call that takes long. */
  timer: NodeJS.Timeout | undefined;
}

/** What a request hears that has waited: its result; or to be decided alone, with the turn of a lone call if it has it. */
type Outcome<Result> = { result: Result } | { turn: Turn | undefined };

interface Waiting<Item, Result> {
  item: Item;
  goOn: (outcome: Outcome<Result>) => void;
  fail: (error: unknown) => void;
  timer: NodeJS.Timeout;
}

/** The requests of a tenant that wait. */
interface Line<Item, Result> {
  isAtDatabase: boolean;
  waiting: Waiting<Item, Result>[];
}

/** Those who go to the database in one call, by their tenants. */
type Members<Item, Result> = { tenantId: string; members: Waiting<Item, Result>[] }[];

/**
 * Largest number of locks that a call takes. Postgres has room for 64 locks of each connection by default
 * (max_locks_per_transaction), so calls on all connections find room together.
 */
const mostLocks = 64;

/** Largest number of calls at the database at the same time. More calls would each have fewer members. */
const mostCalls = 3;

/** Time after which others do not wait for a lone call any more, in milliseconds. It may wait for a lock. */
const loneMs = 20;

/** Longest wait of a request in line, in milliseconds. A request that needs a connection of its own waits as long. */
const longestWaitMs = 1_000;

/** Largest number of requests that wait in a replica. A tenant may have as many as are free beside its own. */
const mostWaiting = 5_000;

/**
 * Lets requests be decided together: while some are at the database, those that come meanwhile gather, and go together next.
 * A tenant has one call there at a time, and a call may be for several tenants. Tenants take turns. A request that finds a
 * free call goes at once and alone. Nothing waits for a time to pass.
 */
export class Groups<Item extends Locking, Result> {
  /** Of each tenant that has a call at the database, or requests that wait. */
  private readonly lines = new Map<string, Line<Item, Result>>();
  /** Tenants with requests that wait and without a call at the database, in the order of their turns. */
  private readonly next = new Set<string>();
  private readonly turns = new Set<Turn>();
  private waiting = 0;
  /** A group belongs to no single request, so its call runs in the context of none. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /**
   * @param together decides on several requests in one call that waits for no lock. undefined in place of a result: the
   * request is decided alone.
   */
  constructor(private readonly together: (groups: Group<Item>[]) => Promise<({ result: Result } | undefined)[][]>) {}

  /**
   * Decides on a request, together with others or alone.
   * @param alone decides on it alone.
   * @throws Problem `unavailable` if the request waited for too long, or if too many wait. Then nothing was decided.
   */
  async run(tenantId: string, item: Item, alone: () => Promise<Result>): Promise<Result> {
    const turn = this.enter(tenantId);
    const outcome = turn ? { turn } : await this.wait(tenantId, item);
    if ('result' in outcome) return outcome.result;
    try {
      return await alone();
    } finally {
      if (outcome.turn) this.pass(outcome.turn);
    }
  }

  /** Takes the turn of a request that finds a free call, and nobody of its tenant. */
  private enter(tenantId: string): Turn | undefined {
    if (this.lines.has(tenantId) || this.turns.size >= mostCalls) return undefined;
    this.lines.set(tenantId, { isAtDatabase: true, waiting: [] });
    return this.begin([tenantId], true);
  }

  private begin(tenantIds: string[], isLone: boolean): Turn {
    const turn = { tenantIds, isLone, timer: undefined };
    this.turns.add(turn);
    return turn;
  }

  private async wait(tenantId: string, item: Item): Promise<Outcome<Result>> {
    const line = this.lines.get(tenantId) ?? { isAtDatabase: false, waiting: [] };
    if (line.waiting.length >= mostWaiting - this.waiting) throw tooMany();
    return await new Promise((goOn, fail) => {
      const timer = setTimeout(() => {
        line.waiting.splice(line.waiting.indexOf(waiting), 1);
        this.waiting--;
        this.note(tenantId, line);
        fail(tooMany());
      }, longestWaitMs);
      const waiting = { item, goOn, fail, timer };
      line.waiting.push(waiting);
      this.waiting++;
      this.lines.set(tenantId, line);
      this.note(tenantId, line);
      this.watch();
    });
  }

  /** Sees to it that those who wait do not wait long for a lone call. */
  private watch(): void {
    for (const turn of this.turns) if (turn.isLone) turn.timer ??= setTimeout(() => this.pass(turn), loneMs);
  }

  /** Notes whether a tenant has a turn to wait for. */
  private note(tenantId: string, line: Line<Item, Result>): void {
    if (line.isAtDatabase) return;
    if (line.waiting.length > 0) this.next.add(tenantId);
    else {
      this.next.delete(tenantId);
      this.lines.delete(tenantId);
    }
  }

  /** Gives a turn to those who wait, unless it was given on already. */
  private pass(turn: Turn): void {
    if (!this.turns.delete(turn)) return;
    clearTimeout(turn.timer);
    for (const tenantId of turn.tenantIds) {
      const line = this.lines.get(tenantId);
      if (!line) continue;
      line.isAtDatabase = false;
      this.note(tenantId, line);
    }
    while (this.next.size > 0 && this.turns.size < mostCalls) this.go(this.take());
  }

  private go(groups: Members<Item, Result>): void {
    const [first, second] = groups.flatMap(({ members }) => members);
    if (!first) return;
    const turn = this.begin(
      groups.map(({ tenantId }) => tenantId),
      !second,
    );
    if (second) void this.outside(() => this.decide(turn, groups));
    else {
      first.goOn({ turn });
      if (this.waiting > 0) this.watch();
    }
  }

  /** Takes those who are next out of their lines. */
  private take(): Members<Item, Result> {
    const groups: Members<Item, Result> = [];
    let room = mostLocks;
    for (const tenantId of this.next) {
      // A request takes two locks.
      if (room < 2) break;
      const line = this.lines.get(tenantId);
      if (!line) continue;
      const { members, locks } = this.takeFrom(line, room);
      room -= locks;
      line.isAtDatabase = true;
      this.next.delete(tenantId);
      groups.push({ tenantId, members });
    }
    return groups;
  }

  /** Takes as many requests of a tenant as there is room for: each user once, the first come first. */
  private takeFrom(line: Line<Item, Result>, room: number): { members: Waiting<Item, Result>[]; locks: number } {
    const [users, spaces] = [new Set<string>(), new Set<string>()];
    const members: Waiting<Item, Result>[] = [];
    const others: Waiting<Item, Result>[] = [];
    let at = 0;
    for (; at < line.waiting.length && users.size + spaces.size < room; at++) {
      const waiting = line.waiting[at];
      if (!waiting) break;
      const { userId, spaceId } = waiting.item;
      const locks = users.size + 1 + (spaces.has(spaceId) ? spaces.size : spaces.size + 1);
      if (users.has(userId) || locks > room) others.push(waiting);
      else {
        users.add(userId);
        spaces.add(spaceId);
        members.push(waiting);
        clearTimeout(waiting.timer);
      }
    }
    line.waiting = others.concat(line.waiting.slice(at));
    this.waiting -= members.length;
    return { members, locks: users.size + spaces.size };
  }

  private async decide(turn: Turn, groups: Members<Item, Result>): Promise<void> {
    try {
      const results = await this.together(
        groups.map(({ tenantId, members }) => ({ tenantId, items: members.map(({ item }) => item) })),
      );
      // The next group is on its way to the database before this one goes on.
      setImmediate(() =>
        groups.forEach(({ members }, at) =>
          members.forEach(({ goOn }, nth) => goOn(results[at]?.[nth] ?? { turn: undefined })),
        ),
      );
    } catch (error) {
      for (const { members } of groups) for (const { fail } of members) fail(error);
    } finally {
      this.pass(turn);
    }
  }
}

function tooMany(): Problem {
  return new Problem('unavailable', 'Too many requests for tokens wait. Try again shortly.', { retryAfterSeconds: 1 });
}
