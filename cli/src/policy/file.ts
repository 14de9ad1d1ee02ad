/** The file of `stagedoor policy test`: who must get what, and who must not. */
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { readYaml } from '../files.ts';

const capabilities = z.array(z.string()).describe('capabilities in the words of IVS');

const must = z.strictObject({
  /** The decision, or one of several. */
  decision: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  role: z.string().optional(),
  from: z.enum(['request', 'member', 'claim', 'default']).optional(),
  /** Exactly these capabilities; `none`: no token. */
  stage: z.union([capabilities, z.literal('none')]).optional(),
  chat: z.union([capabilities, z.literal('none')]).optional(),
  /** These attributes, and perhaps others. */
  attributes: z.record(z.string(), z.string()).optional(),
});

const mustNot = z.strictObject({
  decision: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  role: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
  /** None of these capabilities. */
  stage: capabilities.optional(),
  chat: capabilities.optional(),
});

/** A text stands for the decision. */
const orDecision = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => (typeof value === 'string' ? { decision: value } : value), schema);

const policyCase = z
  .strictObject({
    name: z.string().min(1),
    space: z.string().optional(),
    /** The claims of the JWT, as the identity provider would put them there. */
    claims: z.record(z.string(), z.unknown()).optional(),
    /** The user for whom an API key would join. */
    user: z.string().optional(),
    /** The role that the API key would name. */
    role: z.string().optional(),
    /** A JWT of the identity provider itself. */
    token: z.string().optional(),
    must: orDecision(must).optional(),
    mustNot: orDecision(mustNot).optional(),
  })
  .refine(
    ({ claims, user, token }) => [claims, user, token].filter((one) => one !== undefined).length === 1,
    'has exactly one of claims, user and token',
  )
  .refine(({ role, user }) => role === undefined || user !== undefined, 'has a role without a user')
  .refine((one) => one.must !== undefined || one.mustNot !== undefined, 'says what must or mustNot be');

const policy = z.strictObject({
  /** The space of the cases that name none. */
  space: z.string().optional(),
  /** The issuer with whose rules claims are read: its id, or its `iss`. */
  issuer: z.string().optional(),
  cases: z.array(policyCase).min(1),
});

export type PolicyCase = z.output<typeof policyCase> & { space: string };
export type Must = z.output<typeof must>;
export type MustNot = z.output<typeof mustNot>;

export interface Policy {
  issuer?: string;
  cases: PolicyCase[];
}

/**
 * Reads a policy. `${NAME}` in a text stands for a variable of the environment.
 * @throws UsageError with each fault of the file.
 */
export async function readPolicy(file: string, env: NodeJS.ProcessEnv = process.env): Promise<Policy> {
  const parsed = policy.safeParse(withVariables(await readYaml(file), env));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `- ${path.join('.') || 'the file'}: ${message}`);
    throw new UsageError(`${file} is no policy:\n${faults.join('\n')}`);
  }
  const { issuer, cases, space: common } = parsed.data;
  return {
    ...(issuer !== undefined && { issuer }),
    cases: cases.map((one) => {
      const space = one.space ?? common;
      if (space === undefined)
        throw new UsageError(`${file}: the case "${one.name}" names no space, and the file names none.`);
      return { ...one, space };
    }),
  };
}

function withVariables(value: unknown, env: NodeJS.ProcessEnv): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
      const found = env[name];
      if (found === undefined) throw new UsageError(`The policy names the variable ${name}, which is not set.`);
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((one) => withVariables(one, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withVariables(one, env)]));
}
