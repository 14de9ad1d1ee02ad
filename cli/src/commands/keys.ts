import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { timeFromNow, whole } from '../options.ts';
import { facts, type Output, show, showList } from '../output.ts';

type NewKey = components['schemas']['NewApiKey'];
type KeyRequest = components['schemas']['CreateApiKeyRequest'];

/** The bounds of a new API key. */
export interface KeyOptions {
  name?: string;
  scope?: string[];
  role?: string[];
  space?: string[];
  address?: string[];
  endsIn?: string;
}

/** Adds the options that say what a new key may do. */
export function keyOptions(command: Command): Command {
  return command
    .option('--name <name>', 'required: tells people what the key is for')
    .option('--scope <scope...>', "required: what the key may do, such as tokens:vend, or '*' for everything")
    .option('--role <role...>', 'the only roles that the key gives')
    .option('--space <space...>', 'the only spaces in which the key can be used')
    .option('--address <address...>', 'the only addresses from which the key can be used')
    .option('--ends-in <length>', 'the key ends after this time, such as 12h or 30d', timeFromNow);
}

/** The request for a new key. */
export function keyBounds({ name, scope, role, space, address, endsIn }: KeyOptions): KeyRequest {
  if (name === undefined) throw new UsageError('Say with --name what the key is for.');
  if (scope === undefined)
    throw new UsageError("Say with --scope what the key may do, such as --scope tokens:vend, or --scope '*'.");
  return {
    name,
    scopes: scope.flatMap((one) => one.split(',')) as KeyRequest['scopes'],
    ...(role && { roles: role }),
    ...(space && { spaceIds: space }),
    ...(address && { sourceAddresses: address }),
    ...(endsIn !== undefined && { expiresAt: endsIn }),
  };
}

/** Shows a key that comes only once. */
export function showKey(output: Output, made: NewKey): void {
  show(
    output,
    made,
    () =>
      `${facts([
        ['id', made.id],
        ['name', made.name],
        ['scopes', made.scopes],
        ['expires', made.expiresAt ?? 'never'],
        ['key', made.key],
      ])}\n\nThe key is not shown again. Store it where secrets are kept.`,
  );
}

/** `stagedoor key` and `stagedoor signing-key`. */
export function addKeys(program: Command): void {
  const key = group(program, 'key', 'API keys of the tenant');
  keyOptions(
    leaf(key, 'create', {
      summary: 'Make an API key',
      more: 'The key is shown once. It may do no more than the key that makes it.',
      examples: [
        'stagedoor key create --name backend --scope tokens:vend moderation:write --ends-in 90d',
        'stagedoor key create --name ci --scope spaces:read --field key',
      ],
    }),
  ).action(async (options: Common & KeyOptions) => {
    const body = keyBounds(options);
    showKey(options, await connect(options).api.POST('/v1/api-keys', { body }));
  });
  listed(leaf(key, 'list', { summary: 'List the API keys', examples: ['stagedoor key list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/api-keys'), [
        ['id', ({ id }) => id],
        ['name', ({ name }) => name],
        ['begins', ({ prefix }) => prefix],
        ['scopes', ({ scopes }) => scopes],
        ['used', ({ lastUsedAt }) => lastUsedAt],
        ['expires', ({ expiresAt }) => expiresAt],
      ]);
    },
  );
  leaf(key, 'rotate <key>', {
    summary: 'Replace an API key',
    more: 'The new key is shown once. The old one stays valid for the grace.',
    examples: ['stagedoor key rotate $KEY_ID --grace 3600'],
  })
    .option('--grace <seconds>', 'how long the old key stays valid (default: 0)', whole(0, 604_800))
    .action(async (keyId: string, options: Common & { grace?: number }) => {
      const body = options.grace === undefined ? {} : { graceSeconds: options.grace };
      const { api } = connect(options);
      showKey(options, await api.POST('/v1/api-keys/{keyId}/rotate', { params: { path: { keyId } }, body }));
    });
  destroying(
    leaf(key, 'revoke <key>', {
      summary: 'End an API key at once',
      examples: ['stagedoor key revoke $KEY_ID --yes'],
    }),
  )
    .option('--descendants', 'end the keys that it made, too')
    .action(async (keyId: string, options: Common & Confirmable & { descendants?: true }) => {
      await confirm(`Whoever uses the key ${keyId} is refused from now on.`, options.yes);
      const query = options.descendants && { descendants: true };
      await connect(options).api.DELETE('/v1/api-keys/{keyId}', {
        params: { path: { keyId }, ...(query && { query }) },
      });
      show(options, { id: keyId, revoked: true }, () => `The key ${keyId} is revoked.`);
    });
  addSigningKeys(program);
}

function addSigningKeys(program: Command): void {
  const key = group(program, 'signing-key', 'Key pairs that sign stage tokens, so that IVS need not make them');
  leaf(key, 'create', {
    summary: 'Make a signing key, and import its public half to IVS',
    examples: ['stagedoor signing-key create'],
  }).action(async (options: Common) => {
    const made = await connect(options).api.POST('/v1/signing-keys', { body: {} });
    show(options, made, () => facts(Object.entries(made)));
  });
  listed(leaf(key, 'list', { summary: 'List the signing keys', examples: ['stagedoor signing-key list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/signing-keys'), [
        ['id', ({ id }) => id],
        ['state', ({ state }) => state],
        ['created', ({ createdAt }) => createdAt],
        ['last token expires', ({ lastTokenExpiresAt }) => lastTokenExpiresAt],
        ['arn', ({ arn }) => arn],
      ]);
    },
  );
  leaf(key, 'rotate', {
    summary: 'Make a signing key that takes over',
    more: 'The key of before signs no more. It stays at IVS until its last token has expired.',
    examples: ['stagedoor signing-key rotate'],
  }).action(async (options: Common) => {
    const made = await connect(options).api.POST('/v1/signing-keys/rotate', { body: {} });
    show(options, made, () => facts(Object.entries(made)));
  });
  destroying(
    leaf(key, 'delete <key>', {
      summary: 'Delete a signing key',
      more: 'Tokens that it signed become worthless. It says how many of them had not expired.',
      examples: ['stagedoor signing-key delete $SIGNING_KEY --yes'],
    }),
  ).action(async (signingKeyId: string, options: Common & Confirmable) => {
    await confirm(`Nobody can join with a token that ${signingKeyId} has signed.`, options.yes);
    const params = { path: { signingKeyId } };
    const { voided } = await connect(options).api.POST('/v1/signing-keys/{signingKeyId}/kill', { params, body: {} });
    const tokens = voided === null ? 'tokens that could not be counted' : `${voided} unexpired tokens`;
    show(
      options,
      { id: signingKeyId, deleted: true, voided },
      () => `The signing key ${signingKeyId} is deleted. That voids ${tokens}.`,
    );
  });
}
