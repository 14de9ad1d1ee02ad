import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { connect } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, leaf, listed } from '../leaf.ts';
import { time, timeFromNow } from '../options.ts';
import { facts, show, showList } from '../output.ts';
import { actionForPeople } from './actions.ts';

interface Reasoned extends Common {
  reason?: string;
}

interface BanOptions extends Reasoned {
  space?: string;
  for?: string;
  until?: string;
}

/** What keeps people out, or gets them out. */
export function addModeration(program: Command): void {
  addBans(program);
  reasoned(
    leaf(program, 'kick <space> <user>', {
      summary: 'Disconnect a user from a space',
      more: 'Nothing keeps them from joining again: use ban for that.',
      examples: ['stagedoor kick $SPACE bob --reason "Please come back calmer"'],
    }),
  )
    .option('--participant <id>', 'only this participant of the user on the stage')
    .action(async (spaceId: string, userId: string, options: Reasoned & { participant?: string }) => {
      const { api } = connect(options);
      const { participant, ...rest } = options;
      const body = reasonOf(rest);
      const action =
        participant === undefined
          ? await api.POST('/v1/spaces/{spaceId}/users/{userId}/disconnect', {
              params: { path: { spaceId, userId } },
              body,
            })
          : await api.POST('/v1/spaces/{spaceId}/participants/{participantId}/disconnect', {
              params: { path: { spaceId, participantId: participant } },
              body,
            });
      show(options, action, () => actionForPeople(action));
    });
  reasoned(
    leaf(program, 'freeze <space>', {
      summary: 'Silence a space, for emergencies',
      more: 'Only moderators get tokens. Everybody else who may publish or send messages is disconnected.',
      examples: ['stagedoor freeze $SPACE --reason raid'],
    }),
  ).action(async (spaceId: string, options: Reasoned) => {
    const params = { path: { spaceId } };
    const action = await connect(options).api.POST('/v1/spaces/{spaceId}/freeze', { params, body: reasonOf(options) });
    show(options, action, () => actionForPeople(action));
  });
  reasoned(
    leaf(program, 'unfreeze <space>', {
      summary: 'End the silence of a space',
      examples: ['stagedoor unfreeze $SPACE'],
    }),
  ).action(async (spaceId: string, options: Reasoned) => {
    const params = { path: { spaceId } };
    const space = await connect(options).api.POST('/v1/spaces/{spaceId}/unfreeze', { params, body: reasonOf(options) });
    show(options, space, () => `The space ${space.id} is not frozen any more.`);
  });
  addRevoke(program);
}

function addBans(program: Command): void {
  reasoned(
    leaf(program, 'ban <user>', {
      summary: 'Refuse a user from now on, and disconnect them',
      more: 'Without --space the ban covers the whole tenant. Without --for and --until it holds until it is lifted.',
      examples: ['stagedoor ban bob --reason spam', 'stagedoor ban bob --space $SPACE --for 1h'],
    }),
  )
    .option('--space <space>', 'only in this space')
    .option('--for <length>', 'the ban ends after this time, such as 1h or 7d', timeFromNow)
    .option('--until <time>', 'the ban ends at this time, such as 2030-01-01T00:00:00Z', time)
    .action(async (userId: string, options: BanOptions) => {
      const { space, until, for: length } = options;
      if (until !== undefined && length !== undefined) throw new UsageError('Give either --for or --until, not both.');
      const expiresAt = until ?? length;
      const { ban, action } = await connect(options).api.ban({
        userId,
        ...(space !== undefined && { spaceId: space }),
        ...reasonOf(options),
        ...(expiresAt !== undefined && { expiresAt }),
      });
      show(options, { ban, action }, () => `${banForPeople(ban)}\n${actionForPeople(action)}`);
    });
  listed(
    leaf(program, 'bans', {
      summary: 'List the bans',
      examples: ['stagedoor bans --active', 'stagedoor bans --user bob --field id'],
    }),
  )
    .option('--user <user>', 'only of this user')
    .option('--space <space>', 'only of this space')
    .option('--active', 'only those in force')
    .action(async (options: CommonOfList & { user?: string; space?: string; active?: true }) => {
      const { user, space, active } = options;
      const query = { ...(user && { userId: user }), ...(space && { spaceId: space }), ...(active && { active }) };
      await showList(options, connect(options).api.list('/v1/bans', { query }), [
        ['id', ({ id }) => id],
        ['user', ({ userId }) => userId],
        ['space', ({ spaceId }) => spaceId ?? 'all'],
        ['state', ({ state }) => state],
        ['ends', ({ expiresAt }) => expiresAt],
        ['reason', ({ reason }) => reason],
      ]);
    });
  reasoned(
    leaf(program, 'lift <ban>', {
      summary: 'End a ban',
      examples: ['stagedoor lift $BAN --reason "It was a mistake"'],
    }),
  ).action(async (banId: string, options: Reasoned) => {
    const ban = await connect(options).api.lift(banId, options.reason);
    show(options, ban, () => banForPeople(ban));
  });
}

function addRevoke(program: Command): void {
  reasoned(
    leaf(program, 'revoke [grant]', {
      summary: 'Make one grant worthless, or all grants of a user',
      more: 'The user can get new tokens: use ban to refuse them.',
      examples: ['stagedoor revoke $GRANT', 'stagedoor revoke --user bob'],
    }),
  )
    .option('--user <user>', 'all grants of this user')
    .option('--before <time>', 'with --user: only what was given before this time', time)
    .action(async (grantId: string | undefined, options: Reasoned & { user?: string; before?: string }) => {
      const { user, before } = options;
      if ((grantId === undefined) === (user === undefined))
        throw new UsageError('Name a grant, or a user with --user.');
      const { api } = connect(options);
      const action =
        user === undefined
          ? await api.POST('/v1/grants/{grantId}/revoke', {
              params: { path: { grantId: grantId ?? '' } },
              body: reasonOf(options),
            })
          : await api.POST('/v1/users/{userId}/revoke', {
              params: { path: { userId: user } },
              body: { ...reasonOf(options), ...(before && { issuedBefore: before }) },
            });
      show(options, action, () => actionForPeople(action));
    });
}

function reasoned(command: Command): Command {
  return command.option('--reason <text>', 'moderators and readers of the audit log see it');
}

function reasonOf({ reason }: { reason?: string }): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function banForPeople(ban: components['schemas']['Ban']): string {
  const { id, userId, spaceId, state, reason, expiresAt } = ban;
  return facts([
    ['ban', id],
    ['user', userId],
    ['space', spaceId ?? 'all'],
    ['state', state],
    ['reason', reason],
    ['ends', expiresAt ?? 'when it is lifted'],
  ]);
}

/** Who is there, and who could get in. */
export function addPeople(program: Command): void {
  listed(
    leaf(program, 'who <space>', {
      summary: 'List who is in a space now',
      more: 'With --all, those follow who hold a token that can be used: they may be in the chat room, or come in.',
      examples: ['stagedoor who $SPACE', 'stagedoor who $SPACE --all'],
    }),
  )
    .option('--all', 'those, too, of whom only a token is known')
    .action(async (spaceId: string, options: CommonOfList & { all?: true }) => {
      const query = options.all && { certainty: 'confirmed,reported,presumed' };
      const path = { spaceId };
      const entries = connect(options).api.list('/v1/spaces/{spaceId}/participants', { path, ...(query && { query }) });
      await showList(options, entries, [
        ['user', ({ userId }) => userId],
        ['where', ({ kind }) => kind],
        ['role', ({ role }) => role],
        ['state', ({ state }) => state],
        ['publishes', ({ publishing }) => publishing],
        ['since', ({ joinedAt }) => joinedAt],
        ['certainty', ({ certainty }) => certainty],
        ['participant', ({ participantId }) => participantId],
      ]);
    });
  listed(
    leaf(program, 'grants', {
      summary: 'List the ledger: who was given which tokens',
      more: 'The ledger never holds a token.',
      examples: ['stagedoor grants --space $SPACE --live', 'stagedoor grants --user bob'],
    }),
  )
    .option('--user <user>', 'only of this user')
    .option('--space <space>', 'only of this space')
    .option('--live', 'only of those who could still get in')
    .action(async (options: CommonOfList & { user?: string; space?: string; live?: true }) => {
      const { user, space, live } = options;
      const query = { ...(user && { userId: user }), ...(space && { spaceId: space }), ...(live && { live }) };
      await showList(options, connect(options).api.ledger(query), [
        ['id', ({ id }) => id],
        ['kind', ({ kind }) => kind],
        ['user', ({ userId }) => userId],
        ['role', ({ role }) => role],
        ['state', ({ state }) => state],
        ['expires', ({ expiresAt }) => expiresAt],
        ['space', ({ spaceId }) => spaceId],
      ]);
    });
}
