import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm, readSecret } from '../ask.ts';
import { connect } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { readYaml } from '../files.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { pair } from '../options.ts';
import { record, show, showList } from '../output.ts';

type IssuerRequest = components['schemas']['CreateIssuerRequest'];

interface CreateOptions extends Common {
  audience?: string;
  audienceClaim?: string;
  jwksUri?: string;
  jwks?: string;
  secretStdin?: true;
  userIdClaim?: string;
  roleClaim?: string;
  nameClaim?: string;
  map?: Record<string, string>;
  prefix?: string;
  from?: string;
}

/** `stagedoor issuer`: whose JWTs the tenant accepts. */
export function addIssuers(program: Command): void {
  const issuer = group(program, 'issuer', 'Identity providers whose JWTs the tenant accepts');
  addCreate(issuer);
  listed(leaf(issuer, 'list', { summary: 'List the issuers', examples: ['stagedoor issuer list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/issuers'), [
        ['id', ({ id }) => id],
        ['issuer', ({ issuer }) => issuer],
        ['audience', ({ audience }) => audience],
        ['keys', ({ keys }) => keys.reason ?? keys.state],
        ['usable', ({ keys }) => keys.usable],
      ]);
    },
  );
  leaf(issuer, 'get <issuer>', { summary: 'Show an issuer', examples: ['stagedoor issuer get $ISSUER'] }).action(
    async (issuerId: string, options: Common) => {
      const found = await connect(options).api.GET('/v1/issuers/{issuerId}', { params: { path: { issuerId } } });
      show(options, found, () => record(found));
    },
  );
  destroying(
    leaf(issuer, 'delete <issuer>', {
      summary: 'Accept no more JWTs of an issuer',
      examples: ['stagedoor issuer delete $ISSUER --yes'],
    }),
  ).action(async (issuerId: string, options: Common & Confirmable) => {
    await confirm(`Users who sign in with the issuer ${issuerId} are refused from now on.`, options.yes);
    await connect(options).api.DELETE('/v1/issuers/{issuerId}', { params: { path: { issuerId } } });
    show(options, { id: issuerId, deleted: true }, () => `The issuer ${issuerId} is deleted.`);
  });
}

function addCreate(issuer: Command): void {
  leaf(issuer, 'create [issuer]', {
    summary: 'Accept the JWTs of an issuer',
    more: 'The issuer is `iss` of its JWTs. Its keys come from a URL, a file, or a shared secret on the standard input.',
    examples: [
      'stagedoor issuer create https://login.acme.example --audience acme-live --jwks-uri https://login.acme.example/.well-known/jwks.json --role-claim live_role',
      'printf %s "$SHARED_SECRET" | stagedoor issuer create https://own.acme.example --audience acme-live --secret-stdin',
    ],
  })
    .option('--audience <text>', 'required without --from: what its JWTs have in the claim of the audience')
    .option('--audience-claim <path>', 'the claim of the audience (default: aud)')
    .option('--jwks-uri <url>', 'the URL of its public keys')
    .option('--jwks <file>', 'a file with its public keys')
    .option('--secret-stdin', 'read a shared secret from the standard input')
    .option('--user-id-claim <path>', 'the claim of the user id (default: sub)')
    .option('--role-claim <path>', 'the claim of the role')
    .option('--name-claim <path>', 'the claim of the name')
    .option('--map <value=role>', 'a value of the role claim, and the role that it stands for; repeatable', pair)
    .option('--prefix <text>', 'put before each user id')
    .option('--from <file>', 'the whole registration, in YAML or JSON, as the API takes it')
    .action(async (name: string | undefined, options: CreateOptions) => {
      const body = options.from === undefined ? await request(name, options) : await readYaml(options.from);
      const made = await connect(options).api.POST('/v1/issuers', { body: body as IssuerRequest });
      show(options, made, () => record(made));
    });
}

async function request(issuer: string | undefined, options: CreateOptions): Promise<IssuerRequest> {
  const { audience, audienceClaim, jwksUri, jwks, secretStdin, userIdClaim, roleClaim, nameClaim, map, prefix } =
    options;
  if (issuer === undefined || audience === undefined)
    throw new UsageError('Name the issuer and its --audience, or give a file with --from.');
  if (jwksUri === undefined && jwks === undefined && secretStdin === undefined)
    throw new UsageError('Say where the keys of the issuer are: --jwks-uri, --jwks or --secret-stdin.');
  return {
    issuer,
    audience,
    ...(audienceClaim && { audienceClaim }),
    ...(jwksUri && { jwksUri }),
    ...(jwks && { jwks: (await readYaml(jwks)) as NonNullable<IssuerRequest['jwks']> }),
    ...(secretStdin && { secret: await readSecret('Shared secret') }),
    claims: {
      ...(userIdClaim && { userId: userIdClaim }),
      ...(roleClaim && { role: roleClaim }),
      ...(nameClaim && { name: nameClaim }),
    },
    ...(map && { roles: map }),
    ...(prefix && { userIdPrefix: prefix }),
  } as IssuerRequest;
}
