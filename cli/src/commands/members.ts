import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { readYaml } from '../files.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { record, show, showList } from '../output.ts';

/** `stagedoor member` and `stagedoor role`. */
export function addMembers(program: Command): void {
  const member = group(program, 'member', 'Members of a space: users with a role of their own there');
  leaf(member, 'set <space> <user> <role>', {
    summary: 'Give a user a role in a space',
    more: 'Tokens that the user holds already stay as they are, except with --now.',
    examples: ['stagedoor member set $SPACE alice host', 'stagedoor member set $SPACE alice viewer --now'],
  })
    .option('--now', 'change the tokens that the user holds, too')
    .action(async (spaceId: string, userId: string, role: string, options: Common & { now?: true }) => {
      const { api } = connect(options);
      const params = { path: { spaceId, userId } };
      const told = () => `${userId} has the role ${role} in ${spaceId}.`;
      if (options.now) {
        const changed = await api.POST('/v1/spaces/{spaceId}/users/{userId}/role', { params, body: { role } });
        show(options, changed, told);
      } else {
        const set = await api.PUT('/v1/spaces/{spaceId}/members/{userId}', { params, body: { role } });
        show(options, set, told);
      }
    });
  listed(
    leaf(member, 'list <space>', {
      summary: 'List the members of a space',
      examples: ['stagedoor member list $SPACE'],
    }),
  ).action(async (spaceId: string, options: CommonOfList) => {
    const entries = connect(options).api.list('/v1/spaces/{spaceId}/members', { path: { spaceId } });
    await showList(options, entries, [
      ['user', ({ userId }) => userId],
      ['role', ({ role }) => role],
      ['since', ({ updatedAt }) => updatedAt],
    ]);
  });
  leaf(member, 'remove <space> <user>', {
    summary: 'Take the role of a member away',
    examples: ['stagedoor member remove $SPACE alice'],
  }).action(async (spaceId: string, userId: string, options: Common) => {
    const params = { path: { spaceId, userId } };
    await connect(options).api.DELETE('/v1/spaces/{spaceId}/members/{userId}', { params });
    show(options, { spaceId, userId, removed: true }, () => `${userId} is no member of ${spaceId} any more.`);
  });
  addRoles(program);
}

function addRoles(program: Command): void {
  const role = group(program, 'role', 'Roles: what their holders may do');
  listed(leaf(role, 'list', { summary: 'List the roles', examples: ['stagedoor role list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/roles'), [
        ['name', ({ name }) => name],
        ['rank', ({ rank }) => rank],
        ['moderator', ({ moderator }) => moderator],
        ['stage', ({ stage }) => stage?.capabilities],
        ['chat', ({ chat }) => chat?.capabilities],
      ]);
    },
  );
  leaf(role, 'set <name> <file>', {
    summary: 'Make or replace a role',
    more: 'The file has the role in YAML or JSON, as the API takes it. A dash is the standard input.',
    examples: ["echo '{ stage: { capabilities: [SUBSCRIBE] }, rank: 5 }' | stagedoor role set guest -"],
  }).action(async (name: string, file: string, options: Common) => {
    const body = (await readYaml(file)) as components['schemas']['PutRoleRequest'];
    const set = await connect(options).api.PUT('/v1/roles/{name}', { params: { path: { name } }, body });
    show(options, set, () => record(set));
  });
  destroying(
    leaf(role, 'delete <name>', { summary: 'Delete a role', examples: ['stagedoor role delete $ROLE --yes'] }),
  ).action(async (name: string, options: Common & Confirmable) => {
    await confirm(`The role ${name} is deleted.`, options.yes);
    await connect(options).api.DELETE('/v1/roles/{name}', { params: { path: { name } } });
    show(options, { name, deleted: true }, () => `The role ${name} is deleted.`);
  });
}
