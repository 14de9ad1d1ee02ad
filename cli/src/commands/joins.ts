import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { readSecret } from '../ask.ts';
import { connect, connectAsUser } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, leaf } from '../leaf.ts';
import { pair } from '../options.ts';
import { facts, show } from '../output.ts';
import { printable, styled } from '../terminal.ts';

type JoinResult = components['schemas']['JoinResult'];
type Explanation = components['schemas']['JoinExplanation'];

interface JoinOptions extends Common {
  user?: string;
  role?: string;
  tokenStdin?: true;
  attribute?: Record<string, string>;
  stage: boolean;
  chat: boolean;
}

/** `stagedoor join` and `stagedoor why`. */
export function addJoins(program: Command): void {
  joinOptions(
    leaf(program, 'join <space>', {
      summary: 'Get tokens for a user',
      more: [
        'With --user, the API key joins for the user. Otherwise the JWT of the user is read from STAGEDOOR_USER_TOKEN, or with',
        '--token-stdin from the standard input. The tokens are secrets, so people see them only with --json or --field.',
      ].join(' '),
      examples: [
        'stagedoor join $SPACE --user alice',
        'stagedoor join $SPACE --user alice --role host --field stage.token',
        'STAGEDOOR_USER_TOKEN="$ALICE" stagedoor join $SPACE',
      ],
    }),
  ).action(async (spaceId: string, options: JoinOptions) => {
    const token = await tokenOf(options);
    const { api } = token === undefined ? connect(options) : connectAsUser(options, token);
    const body = requestOf(options);
    const joined = await api.POST('/v1/spaces/{spaceId}/join', { params: { path: { spaceId } }, body });
    show(options, joined, () => joinedForPeople(joined));
  });
  joinOptions(
    leaf(program, 'why <space>', {
      summary: 'Explain why a user can join a space, or cannot',
      more: 'It makes every check of a join, and does nothing. The user or their JWT is named as for join.',
      examples: ['stagedoor why $SPACE --user bob', 'printf %s "$BOB" | stagedoor why $SPACE --token-stdin'],
    }),
  ).action(async (spaceId: string, options: JoinOptions) => {
    const token = await tokenOf(options);
    const body = { ...requestOf(options), ...(token !== undefined && { token }) };
    const { api } = connect(options);
    const explained = await api.POST('/v1/spaces/{spaceId}/join/explain', { params: { path: { spaceId } }, body });
    show(options, explained, () => explanationForPeople(explained));
  });
}

function joinOptions(command: Command): Command {
  return command
    .option('--user <user>', 'the user who gets the tokens')
    .option('--role <role>', 'their role, in place of their own; with --user')
    .option('--token-stdin', 'read the JWT of the user from the standard input')
    .option('--attribute <name=value>', 'an attribute of the tokens; repeatable', pair)
    .option('--no-stage', 'without a token for the stage')
    .option('--no-chat', 'without a token for the chat room');
}

/** The JWT of the user; undefined: the API key names the user. */
async function tokenOf({ user, role, tokenStdin }: JoinOptions): Promise<string | undefined> {
  if (user !== undefined && tokenStdin) throw new UsageError('Give either --user or --token-stdin, not both.');
  if (user !== undefined) return undefined;
  if (role !== undefined) throw new UsageError('Name the user who gets the --role with --user.');
  if (tokenStdin) return await readSecret('JWT of the user');
  const token = process.env['STAGEDOOR_USER_TOKEN'];
  if (!token)
    throw new UsageError(
      'Name the user with --user, or give their JWT: with --token-stdin, or in STAGEDOOR_USER_TOKEN.',
    );
  return token;
}

function requestOf({ user, role, attribute, stage, chat }: JoinOptions): components['schemas']['JoinRequest'] {
  return {
    ...(user !== undefined && { userId: user }),
    ...(role !== undefined && { role }),
    ...(attribute && { attributes: attribute }),
    ...(!stage && { stage }),
    ...(!chat && { chat }),
  };
}

function joinedForPeople({ space, userId, role, stage, chat }: JoinResult): string {
  return facts([
    ['space', `${space.id} ${space.name}`],
    ['user', userId],
    ['role', role],
    ['stage', stage ? stage.capabilities : 'no token'],
    ['join the stage before', stage?.expiresAt],
    ['made by', stage?.mint],
    ['chat', chat ? chat.capabilities : 'no token'],
    ['connect to the chat before', chat?.connectBefore],
    ['the chat session ends', chat?.sessionExpiresAt],
    ['tokens', 'see --json, or --field stage.token and --field chat.token'],
  ]);
}

const signs = { passed: '✓', refused: '✗', skipped: '·' } as const;
const colours = { passed: 'green', refused: 'red', skipped: 'dim' } as const;

function explanationForPeople({ decision, steps, userId, role, stage, chat }: Explanation): string {
  const isIn = decision === 'admitted';
  const who = userId === undefined ? 'The user' : printable(userId);
  const head = isIn ? `${who} can join${role ? ` as ${role.name}` : ''}.` : `${who} cannot join: ${decision}.`;
  const width = Math.max(...steps.map(({ check }) => check.length));
  return [
    styled(isIn ? 'green' : 'red', head),
    ...steps.map(({ check, outcome, because }) =>
      styled(colours[outcome], `${signs[outcome]} ${check.padEnd(width)}  ${printable(because)}`),
    ),
    ...(stage ? [`The stage token would allow ${stage.capabilities.join(', ')} for ${stage.ttlSeconds} s.`] : []),
    ...(chat
      ? [`The chat token would allow ${chat.capabilities.join(', ') || 'reading'} for ${chat.sessionMinutes} min.`]
      : []),
  ].join('\n');
}
