import { AsyncLocalStorage } from 'node:async_hooks';
import { Problem } from '../errors.ts';

/** What a decision locks in the database. */
interface Locking {
  spaceId: string;
  userId: string;
}

/** The right of one call of a tenant to be the one at the database. */
interface Turn {
  /** A call for one request may wait for a lock. A group never does. */
  isLone: boolean;
}

/** What a request hears that has waited: its result; or to be decided alone, with the turn of its tenant if it has it. */
type Outcome<Result> = { result: Result } | { turn: Turn | undefined };

interface Waiting<Item, Result> {
  item: Item;
  goOn: (outcome: Outcome<Result>) => void;
  fail: (error: unknown) => void;
  timer: NodeJS.Timeout;
}

/** The requests of a tenant that wait while another one, or a group of them, is at the database. */
interface Line<Item, Result> {
  turn: Turn;
  waiting: Waiting<Item, Result>[];
  /** Ends the turn of a lone call that takes long. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Largest number of locks that a group takes. Postgres has room for 64 locks of each connection by default
 * (max_locks_per_transaction), so groups on all connections find room together.
 */
const mostLocks = 64;

/** Time after which the others of the tenant do not wait for a lone call any more, in milliseconds. It may wait for a lock. */
const loneMs = 20;

/** Longest wait of a request in line, in milliseconds. A request that needs a connection of its own waits as long. */
const longestWaitMs = 1_000;

/** Largest number of requests that wait in a replica. A tenant may have as many as are free beside its own. */
const mostWaiting = 5_000;

/**
 * Lets requests of a tenant be decided together: while some are at the database, those that come meanwhile gather, and go
 * together next. A request that finds nobody there goes at once and alone. Nothing waits for a time to pass.
 */
export class Groups<Item extends Locking, Result> {
  private readonly lines = new Map<string, Line<Item, Result>>();
  private waiting = 0;
  /** A group belongs to no single request, so its call runs in the context of none. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /**
   * @param together decides on several requests of a tenant in one call that waits for no lock. undefined in place of a
   * result: the request is decided alone.
   */
  constructor(
    private readonly together: (tenantId: string, items: Item[]) => Promise<({ result: Result } | undefined)[]>,
  ) {}

  /**
   * Decides on a request, together with others or alone.
   * @param alone decides on it alone.
   * @throws Problem `unavailable` if the request waited for too long, or if too many wait. Then nothing was decided.
   */
  async run(tenantId: string, item: Item, alone: () => Promise<Result>): Promise<Result> {
    const line = this.lines.get(tenantId);
    const outcome = line ? await this.wait(tenantId, line, item) : { turn: this.begin(tenantId) };
    if ('result' in outcome) return outcome.result;
    try {
      return await alone();
    } finally {
      if (outcome.turn) this.pass(tenantId, outcome.turn);
    }
  }

  private begin(tenantId: string): Turn {
    const turn = { isLone: true };
    this.lines.set(tenantId, { turn, waiting: [], timer: undefined });
    return turn;
  }

  private async wait(tenantId: string, line: Line<Item, Result>, item: Item): Promise<Outcome<Result>> {
    if (line.waiting.length >= mostWaiting - this.waiting) throw tooMany();
    return await new Promise((goOn, fail) => {
      const timer = setTimeout(() => {
        line.waiting.splice(line.waiting.indexOf(waiting), 1);
        this.waiting--;
        fail(tooMany());
      }, longestWaitMs);
      const waiting = { item, goOn, fail, timer };
      line.waiting.push(waiting);
      this.waiting++;
      this.watch(tenantId, line);
    });
  }

  /** Sees to it that those who wait do not wait long for a lone call. */
  private watch(tenantId: string, line: Line<Item, Result>): void {
    const { turn } = line;
    if (turn.isLone) line.timer ??= setTimeout(() => this.pass(tenantId, turn), loneMs);
  }

  /** Gives the turn to those who wait, unless it was given on already. */
  private pass(tenantId: string, turn: Turn): void {
    const line = this.lines.get(tenantId);
    if (line?.turn !== turn) return;
    clearTimeout(line.timer);
    line.timer = undefined;
    const members = this.take(line);
    const [first] = members;
    if (!first) {
      this.lines.delete(tenantId);
      return;
    }
    line.turn = { isLone: members.length === 1 };
    if (members.length > 1) {
      void this.outside(() => this.decide(tenantId, line.turn, members));
      return;
    }
    first.goOn({ turn: line.turn });
    if (line.waiting.length > 0) this.watch(tenantId, line);
  }

  /** Takes the next group out of the line: each user once, the first come first. */
  private take(line: Line<Item, Result>): Waiting<Item, Result>[] {
    const [users, spaces] = [new Set<string>(), new Set<string>()];
    const members: Waiting<Item, Result>[] = [];
    const others: Waiting<Item, Result>[] = [];
    for (const waiting of line.waiting) {
      const { userId, spaceId } = waiting.item;
      const locks = users.size + 1 + (spaces.has(spaceId) ? spaces.size : spaces.size + 1);
      if (users.has(userId) || locks > mostLocks) others.push(waiting);
      else {
        users.add(userId);
        spaces.add(spaceId);
        members.push(waiting);
        clearTimeout(waiting.timer);
      }
    }
    line.waiting = others;
    this.waiting -= members.length;
    return members;
  }

  private async decide(tenantId: string, turn: Turn, members: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.together(
        tenantId,
        members.map(({ item }) => item),
      );
      // The next group is on its way to the database before this one goes on.
      setImmediate(() => members.forEach(({ goOn }, at) => goOn(results[at] ?? { turn: undefined })));
    } catch (error) {
      for (const { fail } of members) fail(error);
    } finally {
      this.pass(tenantId, turn);
    }
  }
}

function tooMany(): Problem {
  return new Problem('unavailable', 'Too many requests for tokens wait. Try again shortly.', { retryAfterSeconds: 1 });
}
