import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Which calls a fault strikes, and what happens to them. A call must meet all conditions that are given. */
export interface FaultRule {
  /** The name of an operation, `*` for every call, or a chat action: `ConnectToRoom`, `SEND_MESSAGE`, … */
  operation: string;
  account?: string;
  region?: string;
  /** Strikes only the nth call that matches, counted from 1. */
  nth?: number;
  /** Strikes every nth call that matches. The share is exact, while `probability` varies from run to run. */
  every?: number;
  /** Strikes each call that matches with this probability, 0 to 1. */
  probability?: number;
  /** Strikes at most this many times. */
  count?: number;
  effect: FaultEffect;
}

/** What happens to a call that a fault strikes. `delayMs` can be combined with every other member. */
export interface FaultEffect {
  /** Waits before the answer, for so many milliseconds or until the fault is disarmed. */
  delayMs?: number;
  /** Answers this error, for example `InternalServerException`. */
  error?: string;
  /** The HTTP status of `error`, if the model does not list that error. The default is 500. */
  status?: number;
  /** The message of `error`. */
  message?: string;
  /** Answers as if the call exceeded its rate. */
  throttle?: boolean;
  /** Never answers. */
  hang?: boolean;
  /** Cuts the connection, before or after the operation is performed. */
  reset?: 'before' | 'after';
  /** Performs the operation and answers 200 with an empty body. */
  empty?: boolean;
  /** Performs the operation before `error`, `throttle` or `hang`. The caller cannot know that it was performed. */
  afterWork?: boolean;
}

/** A rule that is in force, and how often it was used. */
export interface ArmedFault extends FaultRule {
  id: number;
  /** How many calls matched the operation, account and Region. */
  matched: number;
  /** How many of these calls the fault struck. */
  struck: number;
}

const RULE_KEYS = new Set(['operation', 'account', 'region', 'nth', 'every', 'probability', 'count', 'effect']);
const EFFECT_CHECKS: Record<keyof FaultEffect, (value: unknown) => boolean> = {
  delayMs: (value) => typeof value === 'number' && value >= 0 && value <= 3_600_000,
  error: (value) => typeof value === 'string' && /^[A-Za-z]{1,100}$/.test(value),
  status: (value) => Number.isInteger(value) && Number(value) >= 400 && Number(value) <= 599,
  message: (value) => typeof value === 'string',
  throttle: (value) => typeof value === 'boolean',
  hang: (value) => typeof value === 'boolean',
  reset: (value) => value === 'before' || value === 'after',
  empty: (value) => typeof value === 'boolean',
  afterWork: (value) => typeof value === 'boolean',
};

/**
 * Says in one line what is wrong with a rule. Returns `undefined` for a correct rule. A wrong rule is refused, because
 * a fault that never strikes makes a test pass for no reason.
 */
export function ruleProblem(rule: FaultRule, known: (operation: string) => boolean): string | undefined {
  for (const key of Object.keys(rule)) if (!RULE_KEYS.has(key)) return `a fault has no member ${key}`;
  if (typeof rule.operation !== 'string' || (rule.operation !== '*' && !known(rule.operation))) {
    return `there is no operation ${JSON.stringify(rule.operation)}`;
  }
  const { nth, every, probability, count } = rule;
  if (nth !== undefined && !(Number.isInteger(nth) && nth >= 1)) return 'nth must be 1 or more';
  if (every !== undefined && !(Number.isInteger(every) && every >= 1)) return 'every must be 1 or more';
  if (count !== undefined && !(Number.isInteger(count) && count >= 1)) return 'count must be 1 or more';
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) return 'probability must be 0 to 1';
  if (typeof rule.effect !== 'object' || rule.effect === null)
    return 'effect must be an object with at least one member';
  const effects = Object.entries(rule.effect);
  if (effects.length === 0) return 'effect must be an object with at least one member';
  for (const [name, value] of effects) {
    const check = Object.hasOwn(EFFECT_CHECKS, name) ? EFFECT_CHECKS[name as keyof FaultEffect] : undefined;
    if (!check) return `effect has no member ${name}; its members are ${Object.keys(EFFECT_CHECKS).join(', ')}`;
    if (!check(value)) return `effect.${name} is not valid`;
  }
  return undefined;
}

/** The faults in force, oldest first. The first one that strikes a call decides what happens to it. */
export class Faults {
  #armed: ArmedFault[] = [];
  /** What ends the waiting of the calls that a fault delays, by its id. */
  readonly #waits = new Map<number, AbortController>();
  #lastId = 0;
  readonly #random: () => number;

  /** @param random Returns numbers in [0, 1). A caller can replace it to make `probability` repeatable. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  arm(rule: FaultRule): ArmedFault {
    this.#lastId += 1;
    const fault = { ...rule, id: this.#lastId, matched: 0, struck: 0 };
    this.#armed.push(fault);
    const wait = new AbortController();
    setMaxListeners(0, wait.signal);
    this.#waits.set(fault.id, wait);
    return fault;
  }

  /** Waits as long as a fault delays a call that it has struck. When the fault is disarmed, the call goes on at once. */
  async delay({ id, effect: { delayMs = 0 } }: ArmedFault): Promise<void> {
    const signal = this.#waits.get(id)?.signal;
    if (delayMs === 0 || !signal) return;
    await sleep(delayMs, undefined, { ref: false, signal }).catch(() => undefined);
  }

  get armed(): readonly ArmedFault[] {
    return this.#armed;
  }

  /** Removes one fault. Returns `false` when no fault has that id. */
  disarm(id: number): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((fault) => fault.id !== id);
    this.#endWait(id);
    return this.#armed.length < before;
  }

  clear(): void {
    for (const { id } of this.#armed) this.#endWait(id);
    this.#armed = [];
  }

  #endWait(id: number): void {
    this.#waits.get(id)?.abort();
    this.#waits.delete(id);
  }

  /** Counts a call, and returns the fault that strikes it, if there is one. */
  strike(operation: string, account: string | undefined, region: string | undefined): ArmedFault | undefined {
    for (const fault of this.#armed) {
      if (fault.operation !== '*' && fault.operation !== operation) continue;
      if (fault.account !== undefined && fault.account !== account) continue;
      if (fault.region !== undefined && fault.region !== region) continue;
      fault.matched += 1;
      if (fault.nth !== undefined && fault.matched !== fault.nth) continue;
      if (fault.every !== undefined && fault.matched % fault.every !== 0) continue;
      if (fault.count !== undefined && fault.struck >= fault.count) continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      fault.struck += 1;
      return fault;
    }
    return undefined;
  }
}
