import { z } from 'zod';
import { stageLook } from './stage-look.ts';

/** A look that this replica has leased for a step, as `lease_stage_looks` returns it. */
export const leasedLook = z.object({
  tenant_id: z.string(),
  space_id: z.string(),
  stage_arn: z.string().nullable(),
  look: stageLook.nullable(),
  active_session: z.string().nullable(),
  has_news: z.boolean(),
  region: z.string(),
  aws_role_arn: z.string().nullable(),
  aws_external_id: z.string().nullable(),
  looked_at: z.date(),
});
export type LeasedLook = z.output<typeof leasedLook>;
