import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { whole } from '../options.ts';
import { record, show, showList } from '../output.ts';

interface CreateOptions extends Common {
  defaultRole?: string;
  capacity?: number;
  stage: boolean;
  room: boolean;
  stageArn?: string;
  roomArn?: string;
}

/** `stagedoor space`: what users join. */
export function addSpaces(program: Command): void {
  const space = group(program, 'space', 'Spaces: what users join');
  addCreate(space);
  listed(leaf(space, 'list', { summary: 'List the spaces', examples: ['stagedoor space list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/spaces'), [
        ['id', ({ id }) => id],
        ['name', ({ name }) => name],
        ['status', ({ status, frozenAt }) => (frozenAt === null ? status : `${status}, frozen`)],
        ['default role', ({ defaultRole }) => defaultRole],
        ['capacity', ({ capacity }) => capacity],
        ['stage', ({ stage }) => stage !== null],
        ['room', ({ room }) => room !== null],
      ]);
    },
  );
  leaf(space, 'get <space>', { summary: 'Show a space', examples: ['stagedoor space get $SPACE'] }).action(
    async (spaceId: string, options: Common) => {
      const found = await connect(options).api.GET('/v1/spaces/{spaceId}', { params: { path: { spaceId } } });
      show(options, found, () => record(found));
    },
  );
  addStatus(space, 'open', 'open', 'Open a space: users get tokens again');
  addStatus(space, 'close', 'closed', 'Close a space: nobody gets tokens any more');
  destroying(
    leaf(space, 'delete <space>', {
      summary: 'Delete a space with its stage and its chat room',
      more: 'It disconnects everybody. An adopted stage or room stays, and so do the people in it.',
      examples: ['stagedoor space delete $SPACE --yes'],
    }),
  ).action(async (spaceId: string, options: Common & Confirmable) => {
    await confirm(`The space ${spaceId} is deleted, and everybody in it is disconnected.`, options.yes);
    await connect(options).api.DELETE('/v1/spaces/{spaceId}', { params: { path: { spaceId } } });
    show(options, { id: spaceId, deleted: true }, () => `The space ${spaceId} is deleted.`);
  });
}

function addCreate(space: Command): void {
  leaf(space, 'create <name>', {
    summary: 'Make a space, with a stage and a chat room',
    examples: ['stagedoor space create Demo --default-role viewer'],
  })
    .option('--default-role <role>', 'the role of users who have none')
    .option('--capacity <users>', 'how many different users at most', whole(1, 1_000_000))
    .option('--no-stage', 'without a stage')
    .option('--no-room', 'without a chat room')
    .option('--stage-arn <arn>', 'adopt this stage')
    .option('--room-arn <arn>', 'adopt this chat room')
    .action(async (name: string, options: CreateOptions) => {
      const { defaultRole, capacity, stage, room, stageArn, roomArn } = options;
      if ((!stage && stageArn !== undefined) || (!room && roomArn !== undefined))
        throw new UsageError('A space cannot adopt what it is made without.');
      const made = await connect(options).api.POST('/v1/spaces', {
        body: {
          name,
          stage: stageArn === undefined ? stage : { arn: stageArn },
          room: roomArn === undefined ? room : { arn: roomArn },
          ...(defaultRole !== undefined && { defaultRole }),
          ...(capacity !== undefined && { capacity }),
        },
      });
      show(options, made, () => record(made));
    });
}

function addStatus(space: Command, name: string, status: 'open' | 'closed', summary: string): void {
  leaf(space, `${name} <space>`, { summary, examples: [`stagedoor space ${name} $SPACE`] }).action(
    async (spaceId: string, options: Common) => {
      const changed = await connect(options).api.PATCH('/v1/spaces/{spaceId}', {
        params: { path: { spaceId } },
        body: { status },
      });
      show(options, changed, () => `The space ${changed.id} is ${changed.status}.`);
    },
  );
}
