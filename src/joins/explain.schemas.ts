import { z } from 'zod';
import { type ProblemCode, problemKinds } from '../errors.ts';
import { mint } from '../grants/grants.schemas.ts';
import { exampleId } from '../http/ids.ts';
import { chatCapability, stageCapability } from '../roles/roles.schemas.ts';
import { tokenChecks } from '../issuers/token-check.ts';
import { joinFields } from './joins.schemas.ts';

/** The checks of a join after those of the JWT, in their order. */
export const admissionChecks = [
  'credential',
  'tenant',
  'space',
  'ban',
  'role',
  'freeze',
  'halves',
  'disconnecting',
  'capacity',
  'rate',
  'live_token',
  'attributes',
] as const;

/** Longest JWT that is read, in characters. The explanation of a longer one says that it is too long. */
const maxTokenCharacters = 64 * 1024;

/** The request to explain a join: as for the join itself, or with the JWT of the user. */
export const explainBody = z
  .strictObject({
    ...joinFields,
    token: z.string().min(1).max(maxTokenCharacters).optional().meta({
      description:
        'The JWT with which the user would join. The service does not store it. With it, `userId` and `role` must be absent.',
    }),
  })
  .refine((body) => body.stage || body.chat, { error: 'must ask for the stage, the chat or both' })
  .refine((body) => body.token === undefined || (body.userId === undefined && body.role === undefined), {
    error: 'must have either token, or userId and role: a JWT says itself whose it is',
  })
  .meta({ id: 'ExplainJoinRequest', examples: [{ userId: 'user-42' }] })
  .prefault({});
export type ExplainBody = z.output<typeof explainBody>;

const check = z.enum([...tokenChecks, ...admissionChecks]).meta({
  id: 'JoinCheck',
  description:
    'A check of a join. Those that begin with `token_` are of the JWT. halves: whether space and role have what is asked for. disconnecting: whether a call to Amazon IVS would close the new chat connection. live_token: whether the user has a token already, and the tenant allows one (`oneLiveToken`).',
});
export type Check = z.output<typeof check>;

const step = z
  .object({
    check,
    outcome: z.enum(['passed', 'refused', 'skipped']).meta({
      description: 'skipped: an earlier check refuses, so a join does not come here.',
    }),
    because: z.string().meta({ description: 'What was found, and what to change. For people: the words may change.' }),
  })
  .meta({
    id: 'ExplainedCheck',
    examples: [{ check: 'space', outcome: 'passed', because: 'The space is open.' }],
  });
export type Step = z.output<typeof step>;

const explainedRole = z
  .object({
    name: z.string(),
    from: z.enum(['request', 'member', 'claim', 'default']).meta({
      description:
        'request: an API key names it. member: the user is a member of the space. claim: the JWT claims it. default: the space gives it to everybody without another role.',
    }),
  })
  .meta({ id: 'ExplainedRole', examples: [{ name: 'viewer', from: 'default' }] });
export type ExplainedRole = z.output<typeof explainedRole>;

const attributes = z.record(z.string(), z.string());

/** What a join would be answered, and why. */
export const explanation = z
  .object({
    decision: z
      .enum(['admitted', ...(Object.keys(problemKinds) as ProblemCode[])])
      .meta({ description: '`admitted`, or the `code` of the problem that the join would be answered with.' }),
    steps: z.array(step).meta({ description: 'All checks, in the order in which a join makes them.' }),
    userId: z.string().optional().meta({ description: 'The user. Absent: the JWT was refused.' }),
    role: explainedRole.optional().meta({ description: 'Absent: the user has no role in the space.' }),
    stage: z
      .object({ capabilities: z.array(stageCapability), ttlSeconds: z.int(), attributes })
      .meta({
        id: 'ExplainedStage',
        examples: [{ capabilities: ['SUBSCRIBE'], ttlSeconds: 600, attributes: { displayName: 'Nina' } }],
      })
      .optional()
      .meta({ description: 'What the stage token would allow. Absent: there would be none.' }),
    chat: z
      .object({ capabilities: z.array(chatCapability), sessionMinutes: z.int(), attributes })
      .meta({
        id: 'ExplainedChat',
        examples: [{ capabilities: ['SEND_MESSAGE'], sessionMinutes: 60, attributes: { displayName: 'Nina' } }],
      })
      .optional()
      .meta({ description: 'What the chat token would allow. Absent: there would be none.' }),
    mint: mint.optional().meta({ description: 'How the stage token would be made.' }),
  })
  .meta({
    id: 'JoinExplanation',
    examples: [
      {
        decision: 'banned',
        steps: [
          { check: 'credential', outcome: 'passed', because: 'The API key that asks is valid.' },
          { check: 'tenant', outcome: 'passed', because: 'The tenant is active.' },
          { check: 'space', outcome: 'passed', because: 'The space is open.' },
          {
            check: 'ban',
            outcome: 'refused',
            because: `The user is banned in this space. Lift the ban with DELETE /v1/bans/${exampleId('ban')}.`,
          },
        ],
        userId: 'user-42',
        role: { name: 'viewer', from: 'default' },
      },
    ],
  });
export type Explanation = z.output<typeof explanation>;
