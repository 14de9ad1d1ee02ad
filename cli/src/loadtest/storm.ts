/** A storm of users who join a space at a rate, some of whom are banned. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StagedoorProblem } from '@stagedoor/client/server';
import type { Connection } from '../connection.ts';
import { Counts, type End, type Figures, lengthsOf } from './figures.ts';

type Api = Connection['api'];
type Action = Awaited<ReturnType<Api['ban']>>['action'];

export interface StormPlan {
  spaceId: string;
  /** How many different users ask. */
  users: number;
  /** Users who begin to ask in a second. */
  rate: number;
  /** Bans in a second; 0: none. */
  banRate: number;
  /** The test ends after this time. */
  seconds: number;
  /** The share of errors at which the test ends. */
  mostErrors: number;
  /** Requests under way at most. */
  inFlight: number;
  /** The role that each user gets; undefined: as the space says. */
  role?: string;
}

/** Before so many answers, no share of errors means anything. */
const firstAnswers = 20;

/** A look at whether a ban has silenced its user comes so often, in milliseconds. */
const lookMs = 250;

/** After the storm, silence is waited for so long, in milliseconds. */
const silenceMs = 30_000;

/** Bans of a test that was killed end by themselves after this time, in milliseconds. */
const banLifeMs = 60 * 60_000;

export class Storm {
  private readonly run = `loadtest-${randomBytes(4).toString('hex')}`;
  private readonly refused = new Counts();
  private readonly errors = new Counts();
  private readonly banErrors = new Counts();
  private readonly vended: number[] = [];
  private readonly banned: number[] = [];
  private readonly silent: number[] = [];
  /** Users with tokens who are not banned yet. */
  private readonly inside: string[] = [];
  private readonly banIds: string[] = [];
  private readonly joining = new Set<Promise<void>>();
  private readonly banning = new Set<Promise<void>>();
  private readonly began = performance.now();
  private isOver = false;
  private asked = 0;
  private late = 0;
  private notSilent = 0;
  private refusedAfterwards = 0;
  private admittedAfterwards = 0;

  /**
   * @param api repeats nothing, so that each answer is counted.
   * @param patient repeats bans, so that each one that is made is known and can be lifted.
   * @param signal ends the test.
   */
  constructor(
    private readonly api: Api,
    private readonly patient: Api,
    private readonly plan: StormPlan,
    private readonly signal: AbortSignal,
  ) {}

  /** What is shown meanwhile. */
  get state(): string {
    const { users } = this.plan;
    return `${this.asked} of ${users} users asked: ${this.vended.length} got tokens, ${this.refused.total} refused, ${this.errors.total} errors; ${this.banIds.length} bans`;
  }

  /** Runs the storm to its end, and waits for the silence of those who were banned. */
  async blow(): Promise<Figures> {
    const bans = this.banAtRate();
    const endedBy = await this.joinAtRate();
    this.isOver = true;
    await bans;
    await Promise.all([...this.joining, ...this.banning]);
    return this.figures(endedBy);
  }

  /** Lifts the bans that the storm has made. Returns how many could not be lifted. */
  async tidyUp(): Promise<number> {
    let left = 0;
    for (const id of this.banIds) {
      await this.patient.lift(id, 'The load test is over.').catch((error: unknown) => {
        if (!(error instanceof StagedoorProblem)) throw error;
        left += 1;
      });
    }
    return left;
  }

  private async joinAtRate(): Promise<End> {
    const { users, rate, seconds, inFlight } = this.plan;
    const deadline = this.began + seconds * 1_000;
    for (let at = 0; at < users; at++) {
      const due = this.began + (at / rate) * 1_000;
      await this.until(Math.min(due, deadline));
      if (this.joining.size >= inFlight) {
        this.late += 1;
        await Promise.race(this.joining);
      }
      if (this.signal.aborted) return 'stopped';
      if (performance.now() >= deadline) return 'seconds';
      if (this.hasTooManyErrors()) return 'errors';
      this.asked += 1;
      start(this.joining, this.join(`${this.run}-${at}`));
    }
    await Promise.all(this.joining);
    return this.hasTooManyErrors() ? 'errors' : this.signal.aborted ? 'stopped' : 'users';
  }

  private hasTooManyErrors(): boolean {
    const answers = this.vended.length + this.refused.total + this.errors.total;
    return answers >= firstAnswers && this.errors.total > answers * this.plan.mostErrors;
  }

  private async join(userId: string): Promise<void> {
    const began = performance.now();
    const problem = await this.vend(userId);
    if (problem) {
      (isError(problem) ? this.errors : this.refused).add(problem.code);
      return;
    }
    this.vended.push(performance.now() - began);
    this.inside.push(userId);
  }

  private async banAtRate(): Promise<void> {
    const { banRate } = this.plan;
    if (banRate === 0) return;
    for (let at = 1; ; at++) {
      await this.until(this.began + (at / banRate) * 1_000);
      if (this.isOver || this.signal.aborted) return;
      const userId = this.inside.shift();
      if (userId !== undefined) start(this.banning, this.ban(userId));
    }
  }

  private async ban(userId: string): Promise<void> {
    const { spaceId } = this.plan;
    const began = performance.now();
    let action: Action;
    try {
      const expiresAt = new Date(Date.now() + banLifeMs).toISOString();
      const made = await this.patient.ban({ userId, spaceId, reason: 'stagedoor loadtest', expiresAt });
      this.banIds.push(made.ban.id);
      action = made.action;
    } catch (error) {
      this.banErrors.add(problemOf(error).code);
      return;
    }
    this.banned.push(performance.now() - began);
    const problem = await this.vend(userId);
    if (!problem) this.admittedAfterwards += 1;
    else if (problem.code === 'banned') this.refusedAfterwards += 1;
    await this.awaitSilence(action);
  }

  private async awaitSilence(first: Action): Promise<void> {
    const deadline = performance.now() + silenceMs;
    let action = first;
    while (action.silencedAt === undefined && performance.now() < deadline && !this.signal.aborted) {
      await sleep(lookMs);
      const params = { path: { actionId: action.id } };
      action = await this.api.GET('/v1/actions/{actionId}', { params }).catch(() => action);
    }
    if (action.silencedAt === undefined) this.notSilent += 1;
    else this.silent.push(Date.parse(action.silencedAt) - Date.parse(action.createdAt));
  }

  /** Asks for the tokens of a user. Returns the problem, if there is one. */
  private async vend(userId: string): Promise<StagedoorProblem | undefined> {
    try {
      const { spaceId, role } = this.plan;
      await this.api.vend(spaceId, { userId, ...(role !== undefined && { role }) });
      return undefined;
    } catch (error) {
      return problemOf(error);
    }
  }

  private async until(time: number): Promise<void> {
    const ms = time - performance.now();
    if (ms > 0) await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }

  private figures(endedBy: End): Figures {
    return {
      endedBy,
      seconds: Math.round((performance.now() - this.began) / 100) / 10,
      space: this.plan.spaceId,
      vends: {
        asked: this.asked,
        given: this.vended.length,
        refused: this.refused.toObject(),
        errors: this.errors.toObject(),
        late: this.late,
        answered: lengthsOf(this.vended),
      },
      bans: {
        made: this.banIds.length,
        errors: this.banErrors.toObject(),
        answered: lengthsOf(this.banned),
        silent: lengthsOf(this.silent),
        notSilent: this.notSilent,
        refusedAfterwards: this.refusedAfterwards,
        admittedAfterwards: this.admittedAfterwards,
      },
    };
  }
}

/** Adds work to what is under way, until it has ended. */
function start(underWay: Set<Promise<void>>, work: Promise<void>): void {
  const ended = work.finally(() => underWay.delete(ended));
  underWay.add(ended);
}

/** Whether the service could not answer, rather than said no. */
function isError({ code, status }: StagedoorProblem): boolean {
  return code === 'network' || code === 'unexpected_answer' || status === 429 || status >= 500;
}

function problemOf(error: unknown): StagedoorProblem {
  if (error instanceof StagedoorProblem) return error;
  throw error;
}
