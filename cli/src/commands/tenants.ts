import type { components } from '@stagedoor/client/server';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { confirm } from '../ask.ts';
import { connect, type Connection } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { whole } from '../options.ts';
import { facts, record, show, showList } from '../output.ts';
import { type KeyOptions, keyBounds, keyOptions, showKey } from './keys.ts';

interface CreateOptions extends Common {
  name?: string;
  region?: components['schemas']['Region'];
  roleArn?: string;
  externalId?: string;
}

/** A sentence of the help of each command for a tenant that is there. */
const named = 'A tenant is named by its id or its slug.';

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
    more: named,
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
      more: `People who are connected stay until their tokens expire. Bans and disconnects go on working. ${named}`,
      examples: ['stagedoor tenant suspend $TENANT --yes'],
    }),
  ).action(async (name: string, options: Common & Confirmable) => {
    await confirm(`All users of the tenant ${name} are refused from now on.`, options.yes);
    await setStatus(name, 'suspended', options);
  });
  leaf(tenant, 'resume <tenant>', {
    summary: 'End the suspension of a tenant',
    more: named,
    examples: ['stagedoor tenant resume $TENANT'],
  }).action(async (name: string, options: Common) => await setStatus(name, 'active', options));
  addSet(tenant);
  addEnd(tenant);
  keyOptions(
    leaf(tenant, 'key <tenant>', {
      summary: 'Make the first API key of a tenant',
      more: `The key is shown once. Everything else in a tenant is done with such a key. ${named}`,
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
      const { name = slug, region } = options;
      const aws = awsOf(options);
      const { api } = connect(options, 'operator');
      const body = { slug, name, ...(region && { region }), ...(aws && { aws }) };
      const made = await api.POST('/v1/tenants', { body });
      show(options, made, () => record(made));
    });
}

/** Numbers of things or requests by kind; null: what the deployment has by default. */
type Numbers = Record<string, number | null>;

interface SetOptions extends Common {
  name?: string;
  weight?: number;
  quota?: Numbers;
  limit?: Numbers;
  ivsUserIds?: components['schemas']['UpdateTenantRequest']['ivsUserIds'];
  roleArn?: string;
  externalId?: string;
}

function addSet(tenant: Command): void {
  leaf(tenant, 'set <tenant>', {
    summary: 'Change how much a tenant may have and ask for, and other facts about it',
    more: `What no option names stays as it is. The kinds of quotas and limits are those that stagedoor tenant get shows. ${named}`,
    examples: [
      'stagedoor tenant set $TENANT --quota signingKeys=3 --quota spaces=default',
      'stagedoor tenant set $TENANT --limit vendsPerMinute=600000 --weight 5',
      'stagedoor tenant set $TENANT --name "Acme Live" --ivs-user-ids pseudonym',
    ],
  })
    .option('--name <name>', 'a name for people')
    .option(
      '--quota <kind=number>',
      'how many things of a kind it may have, or default; repeat it for each kind',
      numbers,
    )
    .option('--limit <kind=number>', 'how much it may ask for, or default; repeat it for each kind', numbers)
    .option('--weight <turns>', 'the turns that it has where others have one', whole(1, 100))
    .addOption(
      new Option('--ivs-user-ids <ids>', 'the user ids that IVS sees from now on').choices(['plain', 'pseudonym']),
    )
    .option('--role-arn <arn>', 'act in the AWS account of the tenant, with this role')
    .option('--external-id <id>', 'the external id that the role asks for')
    .action(async (name: string, options: SetOptions) => {
      const body = changesOf(options);
      if (Object.keys(body).length === 0) throw new UsageError('Name at least one change: see --help.');
      const { api } = connect(options, 'operator');
      const params = { path: { tenantId: await tenantId(api, name) } };
      const changed = await api.PATCH('/v1/tenants/{tenantId}', { params, body });
      show(options, changed, () => record(changed));
    });
}

function changesOf(options: SetOptions): components['schemas']['UpdateTenantRequest'] {
  const { name, weight, quota, limit, ivsUserIds } = options;
  const aws = awsOf(options);
  return {
    ...(name !== undefined && { name }),
    ...(weight !== undefined && { weight }),
    ...(quota && { quotas: quota }),
    ...(limit && { limits: limit }),
    ...(ivsUserIds && { ivsUserIds }),
    ...(aws && { aws }),
  };
}

/** Adds a pair such as `spaces=500` or `spaces=default` to those before. */
function numbers(text: string, before: Numbers = {}): Numbers {
  const match = /^([a-zA-Z]+)=(\d{1,9}|default)$/.exec(text);
  if (!match) throw new InvalidArgumentError('It takes a kind and a number, or default, such as spaces=500.');
  return { ...before, [match[1] ?? '']: match[2] === 'default' ? null : Number(match[2]) };
}

/** The AWS account of a tenant, if the options name one. */
function awsOf({ roleArn, externalId }: { roleArn?: string; externalId?: string }) {
  if ((roleArn === undefined) !== (externalId === undefined))
    throw new UsageError('Give both --role-arn and --external-id, or neither.');
  return roleArn !== undefined && externalId !== undefined ? { roleArn, externalId } : undefined;
}

function addEnd(tenant: Command): void {
  destroying(
    leaf(tenant, 'end <tenant>', {
      summary: 'End a suspended tenant: everything that it owns is deleted',
      more: `There is no way back. The service goes on with it; stagedoor tenant ending shows how far it has come. ${named}`,
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
    more: named,
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
export async function tenantId(api: Connection['api'], name: string): Promise<string> {
  if (name.startsWith('ten_')) return name;
  for await (const { id, slug } of api.list('/v1/tenants')) if (slug === name) return id;
  throw new UsageError(`There is no tenant with the slug ${name}. See stagedoor tenant list.`);
}
