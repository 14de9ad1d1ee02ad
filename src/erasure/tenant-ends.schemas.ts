import { z } from 'zod';
import { exampleId, idOf } from '../http/ids.ts';
import { countedRows, remainingThing } from './erasures.schemas.ts';

/** The steps of the end of a tenant, in their order. */
export const endSteps = ['access', 'people', 'resources', 'tokens', 'rest', 'rows', 'ended'] as const;
export type EndStep = (typeof endSteps)[number];

/** The query of the request for the end of a tenant. */
export const endTenantQuery = z.strictObject({
  leaveResources: z.enum(['true', 'false']).optional().meta({
    description:
      'true: stages, rooms and public keys that Amazon IVS does not let the service delete are left there, and listed. Ask for it if the AWS account of the tenant cannot be reached any more.',
  }),
});
export type EndTenantQuery = z.output<typeof endTenantQuery>;

/** How far the end of a tenant has come. */
export const tenantEnd = z
  .object({
    tenantId: idOf('ten', 'tenant'),
    step: z.enum(endSteps).meta({
      id: 'TenantEndStep',
      description:
        'access: API keys, issuers, people of the console and webhook endpoints are deleted. people: everybody in spaces with an adopted stage or room is disconnected. resources: stages, rooms and public keys that the service has made are deleted at Amazon IVS, which disconnects everybody. tokens: tokens for adopted stages and rooms are watched until the last has expired. rest: what was made beside an adopted stage or room is deleted. rows: the rows are deleted. ended: nothing is left but what `remains` lists.',
    }),
    requestedAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
    deleted: z.array(countedRows),
    leftResources: z.array(z.string()).meta({
      description:
        'ARNs of what was left at Amazon IVS, because it could not be deleted. The id of a space or key stands for what may have been made for it.',
    }),
    lastError: z.string().nullable().meta({ description: 'Why the step cannot be finished yet. It is tried again.' }),
    remains: z.array(remainingThing),
  })
  .meta({
    id: 'TenantEnd',
    examples: [
      {
        tenantId: exampleId('ten'),
        step: 'ended',
        requestedAt: '2026-03-01T19:30:00.000Z',
        endedAt: '2026-03-01T19:42:00.000Z',
        deleted: [{ what: 'grants', rows: 120_000 }],
        leftResources: [],
        lastError: null,
        remains: [{ what: 'Entries of the audit log', why: 'They end after the days of the deployment.', until: null }],
      },
    ],
  });
export type TenantEnd = z.output<typeof tenantEnd>;
