/** Which calls a fault strikes. All that is given must hold. */
export interface FaultRule {
  /** An operation's name, `*` for all of them, or a chat action: `ConnectToRoom`, `SEND_MESSAGE`, … */
  operation: string;
  account?: string;
  region?: string;
  /** Only the nth call that matches, counting from 1. */
  nth?: number;
  /** Each nth call that matches: an even share of them, where chance would give some runs too many or too few. */
  every?: number;
  /** Strike with this chance, 0 to 1. */
  probability?: number;
  /** Strike this many times, then no more. */
  count?: number;
  effect: FaultEffect;
}

/** What happens to a call that is struck. `delayMs` goes together with any of the others. */
export interface FaultEffect {
  /** Wait before the rest happens. */
  delayMs?: number;
  /** Answer this error, as `InternalServerException`. */
  error?: string;
  /** HTTP status of `error`, for errors the model does not list. */
  status?: number;
  message?: string;
  /** Answer as if the call rate were exceeded. */
  throttle?: boolean;
  /** Never answer. */
  hang?: boolean;
  /** Cut the connection, before the work is done or after it. */
  reset?: 'before' | 'after';
  /** Do the work, and answer 200 with nothing in it. */
  empty?: boolean;
  /** Do the work first, then answer `error`, throttle or hang: the caller cannot know that it happened. */
  afterWork?: boolean;
}

export interface ArmedFault extends FaultRule {
  id: number;
  /** Calls that matched. */
  matched: number;
  /** Calls that were struck. */
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

/** What is wrong with a rule, as one line; `undefined` when nothing is. A fault that never strikes misleads a test. */
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
  if (typeof rule.effect !== 'object' || rule.effect === null) return 'effect must say what happens';
  const effects = Object.entries(rule.effect);
  if (effects.length === 0) return 'effect must say what happens';
  for (const [name, value] of effects) {
    const check = Object.hasOwn(EFFECT_CHECKS, name) ? EFFECT_CHECKS[name as keyof FaultEffect] : undefined;
    if (!check) return `effect has no member ${name}; there are ${Object.keys(EFFECT_CHECKS).join(', ')}`;
    if (!check(value)) return `effect.${name} is not valid`;
  }
  return undefined;
}

/** The faults that are armed, in the order they were; the first that strikes decides. */
export class Faults {
  #armed: ArmedFault[] = [];
  #lastId = 0;
  readonly #random: () => number;

  /** @param random Numbers in [0, 1), replaceable so that a test of chance is not one. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  arm(rule: FaultRule): ArmedFault {
    this.#lastId += 1;
    const fault = { ...rule, id: this.#lastId, matched: 0, struck: 0 };
    this.#armed.push(fault);
    return fault;
  }

  get armed(): readonly ArmedFault[] {
    return this.#armed;
  }

  /** Whether there was a fault of that id. */
  disarm(id: number): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((fault) => fault.id !== id);
    return this.#armed.length < before;
  }

  clear(): void {
    this.#armed = [];
  }

  /** What strikes this call, if anything does. Counts the call. */
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
