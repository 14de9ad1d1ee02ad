import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect, type Connection } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { record, show, showList } from '../output.ts';
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
