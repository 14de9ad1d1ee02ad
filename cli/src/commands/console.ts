import type { components } from '@stagedoor/client/server';
import { type Command, Option } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { show, showList } from '../output.ts';

type ConsoleRole = components['schemas']['ConsoleRole'];

const roles: ConsoleRole[] = ['viewer', 'moderator', 'admin'];

interface SetOptions extends Common {
  issuer: string;
  role: ConsoleRole;
  name?: string;
}

/** `stagedoor console`: who may sign in to the console of the tenant, and as what. */
export function addConsole(program: Command): void {
  const people = group(program, 'console', 'People of the console: who may sign in there, and as what');
  listed(leaf(people, 'list', { summary: 'List the people', examples: ['stagedoor console list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/console-users'), [
        ['user', ({ userId }) => userId],
        ['name', ({ name }) => name],
        ['role', ({ role }) => role],
        ['issuer', ({ issuerId }) => issuerId],
        ['since', ({ createdAt }) => createdAt],
      ]);
    },
  );
  listed(
    leaf(people, 'issuers', {
      summary: 'List the identity providers with which people sign in',
      examples: ['stagedoor console issuers'],
    }),
  ).action(async (options: CommonOfList) => {
    await showList(options, connect(options).api.list('/v1/console-issuers'), [
      ['id', ({ id }) => id],
      ['name', ({ name }) => name],
      ['issuer', ({ issuer }) => issuer],
    ]);
  });
  leaf(people, 'set <user>', {
    summary: 'Give a person a role of the console',
    more: 'It counts at once, also in a session that is open.',
    examples: ['stagedoor console set ann --issuer $CONSOLE_ISSUER --role moderator --name "Ann Lee"'],
  })
    .requiredOption('--issuer <id>', 'the identity provider with which they sign in')
    .addOption(new Option('--role <role>', 'what they may do there').choices(roles).makeOptionMandatory())
    .option('--name <name>', 'a name for those who read the list')
    .action(async (userId: string, options: SetOptions) => {
      const { issuer: issuerId, role, name } = options;
      const params = { path: { userId } };
      const body = { issuerId, role, ...(name !== undefined && { name }) };
      const set = await connect(options).api.PUT('/v1/console-users/{userId}', { params, body });
      show(options, set, () => `${userId} has the role ${role} in the console.`);
    });
  destroying(
    leaf(people, 'remove <user>', {
      summary: 'Take the role of a person away, and end their sessions',
      examples: ['stagedoor console remove $PERSON --yes'],
    }),
  ).action(async (userId: string, options: Common & Confirmable) => {
    await confirm(`${userId} cannot use the console any more.`, options.yes);
    await connect(options).api.DELETE('/v1/console-users/{userId}', { params: { path: { userId } } });
    show(options, { userId, removed: true }, () => `${userId} has no role in the console any more.`);
  });
}
