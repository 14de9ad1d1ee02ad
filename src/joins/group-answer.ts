import { z } from 'zod';
import {
  type Admission,
  admission,
  admitRefusal,
  type AdmitRefusal,
  chat,
  signingKey,
  stage,
} from './admission-answers.ts';

/** What `admit_group` returns. Spaces and roles, which several vends have in common, stand there once. */
const groupAnswer = z.object({
  /** null: nobody is admitted. */
  tenant: admission.shape.tenant.nullable(),
  issuedAt: z.string().nullable(),
  signingKey: signingKey.nullable(),
  spaces: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      stage: stage.pick({ arn: true, endpoints: true, endpointsAt: true }).nullable(),
      roomArn: z.string().nullable(),
    }),
  ),
  roles: z.array(
    admission.shape.role.extend({
      stage: stage.pick({ capabilities: true, ttlSeconds: true }).nullable(),
      chat: chat.pick({ capabilities: true, sessionMinutes: true }).nullable(),
    }),
  ),
  vends: z.array(
    z.object({
      nth: z.int(),
      space_id: z.string(),
      role: z.string(),
      ivs_user: z.string(),
      participant: z.string(),
      used: z.int(),
      stage_grant: z.string().nullable(),
      chat_grant: z.string().nullable(),
    }),
  ),
  /** Places of those who leave the group, and which check is not plain. */
  left: z.array(z.tuple([z.int(), z.string()])),
});
type GroupAnswer = z.output<typeof groupAnswer>;
type Vend = GroupAnswer['vends'][number];

/** What a group is answered. */
export interface GroupAdmissions {
  /** What `admit` answers, by the place in the group; undefined for those who leave it. */
  admissions: (Admission | undefined)[];
  /** Why members leave, one word for each. */
  left: string[];
}

/** Makes of the answer of `admit_group` what `admit` answers to each of the `size` members. */
export function admissionsOf(value: unknown, size: number): GroupAdmissions {
  const answer = groupAnswer.parse(value);
  const admissions = Array.from<Admission | undefined>({ length: size });
  const spaces = new Map(answer.spaces.map((space) => [space.id, space]));
  const roles = new Map(answer.roles.map((role) => [role.name, role]));
  for (const vend of answer.vends) {
    admissions[vend.nth] = admissionOf(answer, vend, spaces.get(vend.space_id), roles.get(vend.role));
  }
  const locked = size - answer.vends.length - answer.left.length;
  return { admissions, left: [...answer.left.map(([, why]) => why), ...Array<string>(locked).fill('lock')] };
}

function admissionOf(
  { tenant, issuedAt, signingKey: key }: GroupAnswer,
  vend: Vend,
  space: GroupAnswer['spaces'][number] | undefined,
  role: GroupAnswer['roles'][number] | undefined,
): Admission {
  if (!tenant || issuedAt === null || !space || !role) throw new Error('admit_group left out what a vend needs');
  return {
    tenant,
    participantId: vend.participant,
    ivsUserId: vend.ivs_user,
    space: { id: space.id, name: space.name },
    role: { name: role.name, attributes: role.attributes, clientAttributes: role.clientAttributes },
    issuedAt,
    used: vend.used,
    stage: vend.stage_grant !== null && space.stage && role.stage ? { ...space.stage, ...role.stage } : null,
    chat: vend.chat_grant !== null && space.roomArn !== null && role.chat ? { arn: space.roomArn, ...role.chat } : null,
    signingKey: vend.stage_grant === null ? null : key,
  };
}

/** What `admit` answers to a vend. */
export type MemberAnswer = { admission: Admission } | { refused: AdmitRefusal };

/** What `admit_one` returns: what `admit` returns, or why the vend leaves. */
const oneAnswer = z.union([z.object({ decision: z.looseObject({}) }), z.object({ left: z.string() })]);

/**
 * Makes of the answer of `admit_groups` for one tenant what `admit` answers to each of the `size` vends of the tenant.
 * @returns undefined in place of an answer for those who leave; and why they leave, one word for each.
 */
export function answersOf(
  value: object | null,
  size: number,
): { answers: (MemberAnswer | undefined)[]; left: string[] } {
  if (value === null) return { answers: [], left: Array<string>(size).fill('failed') };
  if ('vends' in value) {
    const { admissions, left } = admissionsOf(value, size);
    return { answers: admissions.map((one) => one && { admission: one }), left };
  }
  const one = oneAnswer.parse(value);
  if ('left' in one) return { answers: [undefined], left: [one.left] };
  const { decision } = one;
  const isRefused = 'refused' in decision;
  return {
    answers: [isRefused ? { refused: admitRefusal.parse(decision) } : { admission: admission.parse(decision) }],
    left: [],
  };
}
