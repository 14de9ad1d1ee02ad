import { z } from 'zod';
import { pageOf } from '../http/paging.ts';
import { attributes, reason } from '../http/text.ts';
import { exampleStageToken, stageToken } from '../joins/joins.schemas.ts';
import { action, exampleAction } from '../acts/actions.schemas.ts';
import { roleName } from '../roles/roles.schemas.ts';

/** The role that a member gets. */
export const putMemberBody = z
  .strictObject({ role: roleName })
  .meta({ id: 'PutMemberRequest', examples: [{ role: 'speaker' }] });
export type PutMemberBody = z.output<typeof putMemberBody>;

/** The role that a user gets at once. */
export const changeRoleBody = z
  .strictObject({
    role: roleName,
    attributes: attributes.optional().meta({
      description:
        'Added to the attributes of the exchange token. In it, attributes of the role that name claims are empty. Only API keys may send it.',
    }),
    reason: reason.optional().meta({ description: 'Moderators and readers of the audit log see it.' }),
  })
  .meta({ id: 'ChangeUserRoleRequest', examples: [{ role: 'viewer', reason: 'End of the interview' }] });
export type ChangeRoleBody = z.output<typeof changeRoleBody>;

const memberExample = {
  userId: 'user-42',
  role: 'viewer',
  createdAt: '2026-03-01T19:00:00.000Z',
  updatedAt: '2026-03-01T19:30:00.000Z',
};

/** The role of a user in a space, as answers show it. */
export const member = z
  .object({
    userId: z.string(),
    role: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    outrankedAt: z.iso.datetime().optional().meta({
      description:
        'Time at which the user came with a rank that is not below that of the moderator who gave the role. The role does not hold for them then.',
    }),
  })
  .meta({ id: 'Member', examples: [memberExample] });
export type Member = z.output<typeof member>;

/** A page of members. */
export const memberPage = pageOf(member);

/** A change of role, and what follows from it. */
export const roleChange = z
  .object({
    member,
    action: action.nullable().meta({
      description: 'It tells how far the change has been carried out; null: the user holds no token that it concerns.',
    }),
    exchange: stageToken.nullable().meta({
      description:
        'A stage token with the same participant id. The client of this participant exchanges its token for it (`exchangeToken` of the IVS broadcast SDK). It is for the newest participant of the user with more than the role allows, else for the newest. Only API keys get it, and only if the tenant has a signing key; else it is null.',
    }),
  })
  .meta({
    id: 'RoleChangeResult',
    examples: [
      {
        member: memberExample,
        action: { ...exampleAction, kind: 'role.change' },
        exchange: { ...exampleStageToken, capabilities: ['SUBSCRIBE'], mint: 'key-pair' },
      },
    ],
  });
export type RoleChange = z.output<typeof roleChange>;
