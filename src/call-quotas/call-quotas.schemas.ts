import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';

const quotaExample = {
  operation: 'DisconnectParticipant',
  lane: 'moderation',
  perSecond: 4.8,
  left: 2,
  waitSeconds: 0,
  callsInLastMinute: { yours: 12, all: 40 },
} as const;

const accountExample = { account: 'own', region: 'us-east-1', quotas: [quotaExample] };

const callsOfTenant = z
  .object({ tenantId: idOf('ten', 'tenant'), calls: z.int() })
  .meta({ id: 'CallsOfTenant', examples: [{ tenantId: exampleId('ten'), calls: 28 }] });

const callsInLastMinute = z
  .object({
    yours: z.int().nullable().meta({ description: 'Of your tenant. null for the operator.' }),
    all: z.int().meta({ description: 'Of all tenants of the account and Region.' }),
    tenants: z.array(callsOfTenant).optional().meta({ description: 'Who made them. Only the operator sees it.' }),
  })
  .meta({
    id: 'CallsInLastMinute',
    description: 'About how many calls were made in the last minute.',
    examples: [quotaExample.callsInLastMinute],
  });

const quota = z
  .object({
    operation: z.string().meta({ description: 'The name of the call, as Amazon IVS has it.' }),
    lane: z.enum(['moderation', 'tenants', 'presence', 'tokens']).meta({
      description:
        'For whom the rate is kept. moderation: acts, and looks for people who must be out. tenants: what tenants ask for, such as new spaces. presence: looks at who is there. tokens: tokens that Amazon IVS makes.',
    }),
    perSecond: z.number().meta({ description: 'Calls a second of all tenants and replicas together.' }),
    left: z.int().nullable().meta({
      description:
        'Calls that can be made now. null: unknown. Amazon IVS does not say how many tokens are left of its rate.',
    }),
    waitSeconds: z.number().meta({
      description: 'How long one more call waits at the replica that answers. 0: it is made at once.',
    }),
    callsInLastMinute,
  })
  .meta({ id: 'CallQuota', examples: [quotaExample] });

/** The rates of an AWS account and Region. */
const account = z
  .object({
    account: z.string().meta({ description: 'The IAM role of the account; `own`: the account of the service.' }),
    region: z.string(),
    quotas: z.array(quota),
  })
  .meta({
    id: 'AccountQuotas',
    examples: [accountExample],
  });

/** The answer of the route. */
export const callQuotas = z.object({ data: z.array(account) }).meta({
  id: 'CallQuotas',
  description: 'The rates of each AWS account and Region.',
  examples: [{ data: [accountExample] }],
});
export type CallQuotas = z.output<typeof callQuotas>;
export type AccountQuotas = z.output<typeof account>;
