import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect, type Connection } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { facts, record, show, showList } from '../output.ts';
import { type KeyOptions, keyBounds, keyOptions, showKey } from './keys.ts';

interface CreateOptions extends Common {
  name?: string;
  region?: components['schemas']['Region'];
  roleArn?: string;
  externalId?: string;
}

/** `stagedoor tenant`: what the operator does. */
export function addTenants(program: Command): void {
  const tenant = group(program, 'tenant', 'Tenants, for the operator of the service');
  addCreate(tenant);
  listed(leaf(tenant, 'list', { summary: 'List the tenants', examples: ['stagedoor tenant list'] })).action(
    async (options: CommonOfList) => {
      const { api } = connect(options, 'operator');
      await showList(options, api.list('/v1/tenants'), [
        ['id', ({ id }) => id],
        ['slug', ({ slug }) => slug],
        ['name', ({ name }) => name],
        ['status', ({ status }) => status],
        ['region', ({ region }) => region],
        ['created', ({ createdAt }) => createdAt],
      ]);
    },
  );
  leaf(tenant, 'get <tenant>', {
    summary: 'Show a tenant',
    more: 'A tenant is named by its id or its slug.',
    examples: ['stagedoor tenant get $TENANT'],
  }).action(async (name: string, options: Common) => {
    const { api } = connect(options, 'operator');
    const params = { path: { tenantId: await tenantId(api, name) } };
    const found = await api.GET('/v1/tenants/{tenantId}', { params });
    show(options, found, () => record(found));
  });
  destroying(
    leaf(tenant, 'suspend <tenant>', {
      summary: 'Suspend a tenant: nobody gets tokens any more',
      more: 'People who are connected stay until their tokens expire. Bans and disconnects go on working.',
      examples: ['stagedoor tenant suspend $TENANT --yes'],
    }),
  ).action(async (name: string, options: Common & Confirmable) => {
    await confirm(`All users of the tenant ${name} are refused from now on.`, options.yes);
    await setStatus(name, 'suspended', options);
  });
  leaf(tenant, 'resume <tenant>', {
    summary: 'End the suspension of a tenant',
    examples: ['stagedoor tenant resume $TENANT'],
  }).action(async (name: string, options: Common) => await setStatus(name, 'active', options));
  addEnd(tenant);
  keyOptions(
    leaf(tenant, 'key <tenant>', {
      summary: 'Make the first API key of a tenant',
      more: 'The key is shown once. Everything else in a tenant is done with such a key.',
      examples: ["stagedoor tenant key $TENANT --name admin --scope '*'"],
    }),
  ).action(async (name: string, options: Common & KeyOptions) => {
    const { api } = connect(options, 'operator');
    const params = { path: { tenantId: await tenantId(api, name) } };
    showKey(options, await api.POST('/v1/tenants/{tenantId}/api-keys', { params, body: keyBounds(options) }));
  });
}

function addCreate(tenant: Command): void {
  leaf(tenant, 'create <slug>', {
    summary: 'Make a tenant',
    more: 'The slug is a short name. It is part of the API keys of the tenant, and cannot be changed.',
    examples: ['stagedoor tenant create acme --name Acme'],
  })
    .option('--name <name>', 'a name for people (default: the slug)')
    .option('--region <region>', 'the AWS Region of its stages and rooms')
    .option('--role-arn <arn>', 'act in the AWS account of the tenant, with this role')
    .option('--external-id <id>', 'the external id that the role asks for')
    .action(async (slug: string, options: CreateOptions) => {
      const { name = slug, region, roleArn, externalId } = options;
      if ((roleArn === undefined) !== (externalId === undefined))
        throw new UsageError('Give both --role-arn and --external-id, or neither.');
      const { api } = connect(options, 'operator');
      const aws = roleArn !== undefined && externalId !== undefined && { aws: { roleArn, externalId } };
      const made = await api.POST('/v1/tenants', { body: { slug, name, ...(region && { region }), ...aws } });
      show(options, made, () => record(made));
    });
}

function addEnd(tenant: Command): void {
  destroying(
    leaf(tenant, 'end <tenant>', {
      summary: 'End a suspended tenant: everything that it owns is deleted',
      more: 'There is no way back. The service goes on with it; stagedoor tenant ending shows how far it has come.',
      examples: ['stagedoor tenant end $TENANT --yes', 'stagedoor tenant end $TENANT --leave-resources --yes'],
    }),
  )
    .option('--leave-resources', 'leave at IVS what it does not let the service delete, and list it')
    .action(async (name: string, options: Common & Confirmable & { leaveResources?: true }) => {
      const { api } = connect(options, 'operator');
      const path = { tenantId: await tenantId(api, name) };
      const loss = 'Its spaces, with their stages and rooms at IVS, its keys and all its data are deleted for good.';
      await confirm(`The tenant ${name} is ended. ${loss}`, options.yes);
      const query = options.leaveResources ? { leaveResources: 'true' as const } : {};
      const end = await api.DELETE('/v1/tenants/{tenantId}', { params: { path, query } });
      show(options, end, () => endForPeople(end));
    });
  leaf(tenant, 'ending <tenant>', {
    summary: 'Show how far the end of a tenant has come, and what remains',
    examples: ['stagedoor tenant ending $TENANT'],
  }).action(async (name: string, options: Common) => {
    const { api } = connect(options, 'operator');
    const params = { path: { tenantId: await tenantId(api, name) } };
    const end = await api.GET('/v1/tenants/{tenantId}/end', { params });
    show(options, end, () => endForPeople(end));
  });
}

function endForPeople(end: components['schemas']['TenantEnd']): string {
  const { deleted, leftResources, lastError, remains } = end;
  return facts([
    ['tenant', end.tenantId],
    ['step', end.step],
    ['requested', end.requestedAt],
    ['ended', end.endedAt ?? undefined],
    ['cannot go on', lastError ?? undefined],
    ['deleted', deleted.map(({ what, rows }) => `${what}: ${rows}`).join(', ')],
    ...leftResources.map((name): [string, unknown] => ['left at IVS', name]),
    ...remains.map(({ what, why, until }): [string, unknown] => ['remains', told(what, why, until)]),
  ]);
}

/** One thing that remains, in a line. */
export function told(what: string, why: string, until: string | null): string {
  return `${what}${until === null ? '' : ` (until ${until.slice(0, 10)})`}: ${why}`;
}

async function setStatus(name: string, status: 'active' | 'suspended', options: Common): Promise<void> {
  const { api } = connect(options, 'operator');
  const params = { path: { tenantId: await tenantId(api, name) } };
  const changed = await api.PATCH('/v1/tenants/{tenantId}', { params, body: { status } });
  show(options, changed, () => `The tenant ${changed.slug} is ${changed.status}.`);
}

/** The id of a tenant that is named by its id or its slug. */
async function tenantId(api: Connection['api'], name: string): Promise<string> {
  if (name.startsWith('ten_')) return name;
  for await (const { id, slug } of api.list('/v1/tenants')) if (slug === name) return id;
  throw new UsageError(`There is no tenant with the slug ${name}. See stagedoor tenant list.`);
}
