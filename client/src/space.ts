import type { ChatToken, JoinResult, SpaceRef, StageToken } from './api.ts';
import type { Connection, Waiting } from './connection.ts';
import { Listeners } from './listeners.ts';
import { StagedoorProblem } from './problem.ts';
import { type Refusal, refusalOf } from './refusals.ts';

/** What a page shows of a space. A new object after each change; times pass without one (`timeLeft`). */
export interface SpaceSnapshot {
  /**
   * `idle`: nothing was asked for; `asking`: the first answer is awaited; `waiting`: the request cannot be made now, see
   * `waiting`; `admitted`: the user has tokens; `refused`: the client has stopped, see `refusal`.
   */
  readonly status: 'idle' | 'asking' | 'waiting' | 'admitted' | 'refused';
  readonly space: SpaceRef | null;
  readonly userId: string | null;
  /** The role that decided what the tokens allow. */
  readonly role: string | null;
  /** What the newest stage token allows, and until when. */
  readonly stage: Readonly<Omit<StageToken, 'token'>> | null;
  /** What the newest chat token allows, and until when. */
  readonly chat: Readonly<Omit<ChatToken, 'token'>> | null;
  readonly refusal: Refusal | null;
  /** A request waits: for the network, for its turn, or after a failure. */
  readonly waiting: Waiting | null;
  /** The failure of the newest request, if it was no refusal. */
  readonly problem: StagedoorProblem | null;
  /** True: a moderator has disconnected the user from the chat. They may come back with `retry()`. */
  readonly isKicked: boolean;
}

/** The attributes that the user adds to their tokens, as far as their role allows it. */
export type Attributes = Record<string, string>;

/** An event of the chat room, as the official chat client tells it. */
export interface ChatEventLike {
  eventName: string;
  attributes?: Record<string, string> | undefined;
}

interface Halves {
  stage: boolean;
  chat: boolean;
  /** The participant whom the new stage token should be for; else it is for a new one. */
  participantId?: string;
}

/** One request on its way, for everybody who wants what it brings. */
interface Flight {
  wanted: Halves;
  isSent: boolean;
  callers: number;
  abort: AbortController;
  answer: Promise<JoinResult>;
}

/** The event that tells of a changed role. Its attributes are `userId` and, if there is a new role, `role`. */
const roleChangedEvent = 'stagedoor:role_changed';

/** The purpose under which a space gets the tokens of the chat provider and of the stage source. */
export const ownTokens = 'own';

/** After an error that is neither final nor passing, the same request fails alike for this long, in milliseconds. */
const holdMs = 5_000;

const nothing: SpaceSnapshot = {
  status: 'idle',
  space: null,
  userId: null,
  role: null,
  stage: null,
  chat: null,
  refusal: null,
  waiting: null,
  problem: null,
  isKicked: false,
};

/** One space as its user sees it: an external store, and the one place where its tokens are asked for. */
export class Space {
  private snapshot = nothing;
  private readonly changes = new Listeners();
  private readonly roleChanges = new Listeners();
  private readonly retries = new Listeners();
  /** @internal How often somebody wanted to start anew. */
  retried = 0;
  private readonly flights = new Map<string, Flight>();
  private readonly held = new Map<string, { problem: StagedoorProblem; until: number }>();
  /** The ids by which the chat room and the stage know the user. */
  private readonly ownIds = new Set<string>();

  /** @internal Made by `Stagedoor.space`. */
  constructor(
    readonly id: string,
    private readonly connection: Connection,
    private readonly tellRefusal: (refusal: Refusal) => void,
  ) {}

  get now(): () => number {
    return this.connection.now;
  }

  /** Calls a function after each change of the snapshot. Returns the function that ends this. */
  readonly subscribe = (listener: () => void): (() => void) => this.changes.add(listener);

  readonly getSnapshot = (): SpaceSnapshot => this.snapshot;

  /** Milliseconds until the stage token and the chat session end; null for one that there is not. */
  timeLeft(): { stage: number | null; chat: number | null } {
    const { stage, chat } = this.snapshot;
    const until = (time: string | undefined) => (time ? Math.max(0, Date.parse(time) - this.now()) : null);
    return { stage: until(stage?.expiresAt), chat: until(chat?.sessionExpiresAt) };
  }

  /** Tells of what the chat room said: a changed role of the user. For a room that `Stagedoor.watchChat` does not watch. */
  handleChatEvent({ eventName, attributes }: ChatEventLike): void {
    if (eventName !== roleChangedEvent || !this.isOwn(attributes?.['userId'])) return;
    const role = attributes?.['role'];
    if (role !== undefined && this.snapshot.role !== null) this.update({ role });
    this.roleChanges.tell();
  }

  /** Starts anew after a final answer, after a kick, or without waiting out a failure. */
  retry(): void {
    this.retried++;
    this.held.clear();
    if (!this.snapshot.refusal && !this.snapshot.isKicked) return;
    this.update({ refusal: null, isKicked: false });
    this.retries.tell();
  }

  /** @internal */
  isOwn(ivsUserId: string | undefined): boolean {
    return ivsUserId !== undefined && this.ownIds.has(ivsUserId);
  }

  /** @internal */
  onRoleChange(listener: () => void): () => void {
    return this.roleChanges.add(listener);
  }

  /** @internal */
  onRetry(listener: () => void): () => void {
    return this.retries.add(listener);
  }

  /** @internal */
  refuse(refusal: Refusal): void {
    this.update({ refusal, role: null, stage: null, chat: null });
    for (const { abort } of this.flights.values()) abort.abort(refusal.problem);
  }

  /** @internal */
  markKicked(isKicked: boolean): void {
    if (this.snapshot.isKicked !== isKicked) this.update({ isKicked });
  }

  /** @internal The problem of an answer without the half that was asked for. It is not asked for again at once. */
  lacks(half: 'stage' | 'chat', attributes?: Attributes): StagedoorProblem {
    const problem = new StagedoorProblem(`no_${half}`, `The space, or the role of the user, has no ${half}.`);
    return this.hold(keyOf(ownTokens, attributes), problem);
  }

  /**
   * @internal Asks for tokens. Callers at the same time with the same purpose and attributes share one request.
   * @throws StagedoorProblem
   */
  async ask(purpose: string, wanted: Halves, attributes?: Attributes, signal?: AbortSignal): Promise<JoinResult> {
    const { refusal } = this.snapshot;
    if (refusal) throw refusal.problem;
    signal?.throwIfAborted();
    const key = keyOf(purpose, attributes);
    const held = this.held.get(key);
    if (held && this.now() < held.until) throw held.problem;
    const known = this.flights.get(key);
    if (known?.isSent && ((wanted.stage && !known.wanted.stage) || (wanted.chat && !known.wanted.chat))) {
      // It does not bring what is wanted, and cannot be changed any more.
      await known.answer.catch(() => {});
      return await this.ask(purpose, wanted, attributes, signal);
    }
    const flight = known ?? this.begin(key, attributes);
    flight.wanted.stage ||= wanted.stage;
    flight.wanted.chat ||= wanted.chat;
    if (wanted.participantId !== undefined) flight.wanted.participantId = wanted.participantId;
    return await this.share(flight, signal);
  }

  /** Awaits a request. When nobody awaits it any more, it is given up. */
  private async share(flight: Flight, signal: AbortSignal | undefined): Promise<JoinResult> {
    if (!signal) {
      flight.callers = Infinity;
      return await flight.answer;
    }
    flight.callers += 1;
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        flight.callers -= 1;
        if (flight.callers === 0) flight.abort.abort(signal.reason);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave);
    });
    try {
      return await Promise.race([flight.answer, left]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  private begin(key: string, attributes: Attributes | undefined): Flight {
    const flight: Flight = {
      wanted: { stage: false, chat: false },
      isSent: false,
      callers: 0,
      abort: new AbortController(),
      // The request begins in the next turn, so that `wanted` is known when it does.
      answer: Promise.resolve().then(() => this.fly(key, flight, attributes)),
    };
    this.flights.set(key, flight);
    return flight;
  }

  private async fly(key: string, flight: Flight, attributes: Attributes | undefined): Promise<JoinResult> {
    this.update({});
    try {
      const answer = await this.connection.post<JoinResult>({
        path: `/v1/spaces/${encodeURIComponent(this.id)}/join`,
        body: () => {
          flight.isSent = true;
          return { ...flight.wanted, attributes };
        },
        onWaiting: (waiting) => {
          flight.isSent = false;
          this.update({ waiting });
        },
        signal: flight.abort.signal,
      });
      this.flights.delete(key);
      this.learn(answer);
      return answer;
    } catch (error) {
      this.flights.delete(key);
      if (error instanceof StagedoorProblem && !this.snapshot.refusal) this.fail(key, error);
      else this.update({ waiting: null });
      throw error;
    }
  }

  private learn({ space, userId, role, stage, chat }: JoinResult): void {
    this.ownIds.add(userId);
    const stageUser = stage && claimsOf(stage.token)['user_id'];
    if (typeof stageUser === 'string') this.ownIds.add(stageUser);
    this.update({
      space,
      userId,
      role,
      ...(stage && { stage: withoutToken(stage) }),
      ...(chat && { chat: withoutToken(chat) }),
      waiting: null,
      problem: null,
    });
  }

  private fail(key: string, problem: StagedoorProblem): void {
    const refusal = refusalOf(problem, this.id);
    this.update({ waiting: null, problem });
    if (!refusal) return void this.hold(key, problem);
    this.refuse(refusal);
    this.tellRefusal(refusal);
  }

  private hold(key: string, problem: StagedoorProblem): StagedoorProblem {
    this.held.set(key, { problem, until: this.now() + holdMs });
    return problem;
  }

  private update(change: Partial<SpaceSnapshot>): void {
    const next = { ...this.snapshot, ...change };
    const status = next.refusal
      ? 'refused'
      : next.role !== null
        ? 'admitted'
        : this.flights.size === 0
          ? 'idle'
          : next.waiting
            ? 'waiting'
            : 'asking';
    this.snapshot = { ...next, status };
    this.changes.tell();
  }
}

function keyOf(purpose: string, attributes: Attributes | undefined): string {
  return JSON.stringify([purpose, Object.entries(attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function withoutToken<Token extends { token: string }>({ token: _, ...rest }: Token): Omit<Token, 'token'> {
  return rest;
}

/** The claims of a stage token, unchecked; none if it cannot be read: tokens that IVS makes are opaque by contract. */
function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload = token.split('.')[1] ?? '';
    return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}
