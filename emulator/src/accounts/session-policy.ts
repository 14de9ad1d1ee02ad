import { ServiceError } from '../wire/service-error.ts';

/** What a call does, for the decision of a policy. Tags are undefined where there is nothing that could have any. */
export interface Access {
  /** Such as `ivs:CreateStage`. */
  action: string;
  /** ARN of what the call is about; `*` if it names nothing. */
  resource: string;
  resourceTags: Record<string, string> | undefined;
  requestTags: Record<string, string> | undefined;
}

interface Statement {
  allows: boolean;
  actions: string[];
  resources: string[];
  conditions: Condition[];
}

interface Condition {
  /** Whether a key that is absent satisfies it. */
  ifExists: boolean;
  from: 'resourceTags' | 'requestTags';
  tag: string;
  values: string[];
}

/** Largest number of characters of a session policy (AWS STS API reference, AssumeRole). */
const MAX_CHARACTERS = 2_048;

const KEY = /^aws:(ResourceTag|RequestTag)\/(.+)$/;

/**
 * A session policy: what a session may do at most, beside what its role may. The emulator has no policies of roles, so it is
 * all that counts. It knows the elements Effect, Action, Resource and Condition, and the conditions StringEquals and
 * StringEqualsIfExists on tags. It refuses a policy with others, so that no rule of a policy is passed over in silence.
 */
export class SessionPolicy {
  readonly #statements: Statement[];

  private constructor(statements: Statement[]) {
    this.#statements = statements;
  }

  /** @throws ServiceError when the text is no policy, or one that the emulator cannot judge. */
  static from(text: string): SessionPolicy {
    if (text.length > MAX_CHARACTERS) {
      const message = `1 validation error: Value at 'policy' must have length less than or equal to ${MAX_CHARACTERS}`;
      throw new ServiceError('ValidationError', message, {}, 400);
    }
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch {
      throw malformed('it is no JSON');
    }
    if (!isObject(document) || document['Version'] !== '2012-10-17') throw malformed('Version must be 2012-10-17');
    return new SessionPolicy(list(document['Statement']).map(readStatement));
  }

  /** @throws ServiceError when the session may not make the call. */
  require(access: Access): void {
    const matching = this.#statements.filter((statement) => matches(statement, access));
    if (matching.length > 0 && matching.every(({ allows }) => allows)) return;
    const message = `not authorized to perform: ${access.action} on resource: ${access.resource} because no session policy allows the ${access.action} action`;
    throw new ServiceError('AccessDeniedException', message, {}, 403);
  }
}

function readStatement(statement: unknown): Statement {
  if (!isObject(statement)) throw malformed('a statement is no object');
  const { Sid: _sid, Effect, Action, Resource, Condition = {}, ...unknown } = statement;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw malformed(`the emulator does not know the element ${name}`);
  if (Effect !== 'Allow' && Effect !== 'Deny') throw malformed('Effect must be Allow or Deny');
  if (!isObject(Condition)) throw malformed('Condition must be an object');
  return {
    allows: Effect === 'Allow',
    actions: texts(Action, 'Action'),
    resources: texts(Resource, 'Resource'),
    conditions: Object.entries(Condition).flatMap(([operator, keys]) => readConditions(operator, keys)),
  };
}

function readConditions(operator: string, keys: unknown): Condition[] {
  if (operator !== 'StringEquals' && operator !== 'StringEqualsIfExists') {
    throw malformed(`the emulator does not know the condition ${operator}`);
  }
  if (!isObject(keys)) throw malformed(`${operator} must be an object`);
  return Object.entries(keys).map(([key, values]) => {
    const [, kind, tag] = KEY.exec(key) ?? [];
    if (tag === undefined) throw malformed(`the emulator does not know the key ${key}`);
    return {
      ifExists: operator === 'StringEqualsIfExists',
      from: kind === 'ResourceTag' ? 'resourceTags' : 'requestTags',
      tag,
      values: texts(values, key),
    };
  });
}

function matches({ actions, resources, conditions }: Statement, access: Access): boolean {
  return (
    actions.some((pattern) => isLike(pattern.toLowerCase(), access.action.toLowerCase())) &&
    resources.some((pattern) => isLike(pattern, access.resource)) &&
    conditions.every(({ ifExists, from, tag, values }) => {
      const value = access[from]?.[tag];
      return value === undefined ? ifExists : values.includes(value);
    })
  );
}

/** Whether a text fits a pattern, in which `*` stands for any characters and `?` for one. */
function isLike(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

function texts(value: unknown, name: string): string[] {
  const found = list(value);
  if (found.length === 0 || !found.every((one) => typeof one === 'string')) throw malformed(`${name} must be text`);
  return found;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(reason: string): ServiceError {
  return new ServiceError('MalformedPolicyDocument', `the session policy is not valid: ${reason}`, {}, 400);
}
