import { z } from 'zod';
import { pageOf } from '../http/paging.ts';
import { roleName } from '../roles/roles.schemas.ts';

export const putMemberBody = z.strictObject({ role: roleName }).meta({ id: 'PutMember' });
export type PutMemberBody = z.output<typeof putMemberBody>;

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
