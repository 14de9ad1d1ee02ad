import { z } from 'zod';
import { pageOf } from '../http/paging.ts';
import { attributes, reason } from '../http/text.ts';
import { stageToken } from '../joins/joins.schemas.ts';
import { action } from '../acts/actions.schemas.ts';
import { roleName } from '../roles/roles.schemas.ts';

export const putMemberBody = z.strictObject({ role: roleName }).meta({ id: 'PutMember' });
export type PutMemberBody = z.output<typeof putMemberBody>;

export const changeRoleBody = z
  .strictObject({
    role: roleName,
    attributes: attributes.optional().meta({
      description:
        'Added to the attributes of the exchange token; those of the role that name claims are empty there. API keys only.',
    }),
    reason: reason.optional(),
  })
  .meta({ id: 'RoleChangeRequest' });
export type ChangeRoleBody = z.output<typeof changeRoleBody>;

export const member = z
  .object({
    userId: z.string(),
    role: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Member' });
export type Member = z.output<typeof member>;

export const memberPage = pageOf(member);

export const roleChange = z
  .object({
    member,
    action: action.nullable().meta({
      description: 'How far the change has been carried out; null if the user holds nothing that it touches.',
    }),
    exchange: stageToken.nullable().meta({
      description:
        'For a participant of the user’s (the newest that has more than the role allows, else the newest), to exchange its token for (`exchangeToken` of the IVS broadcast SDK): signed here, with the same participant id. Only for API keys, and only where the tenant signs stage tokens itself.',
    }),
  })
  .meta({ id: 'RoleChange' });
export type RoleChange = z.output<typeof roleChange>;
