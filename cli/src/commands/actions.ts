import { setTimeout as sleep } from 'node:timers/promises';
import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { connect, type Connection } from '../connection.ts';
import { CheckFailed } from '../errors.ts';
import { type Common, type CommonOfList, leaf, listed } from '../leaf.ts';
import { whole } from '../options.ts';
import { facts, show, showList } from '../output.ts';
import { Progress } from '../terminal.ts';

type Action = components['schemas']['Action'];

/** Time between two looks at an action, in milliseconds. */
const lookMs = 500;

/** `stagedoor actions`, `stagedoor action` and `stagedoor deliveries`: how far the acts of moderators have come. */
export function addActions(program: Command): void {
  listed(
    leaf(program, 'actions', {
      summary: 'List what moderators did, and how far it has come',
      examples: ['stagedoor actions --space $SPACE', 'stagedoor actions --pending'],
    }),
  )
    .option('--space <space>', 'only in this space')
    .option('--pending', 'only those with calls to IVS that are still to be made')
    .action(async (options: CommonOfList & { space?: string; pending?: true }) => {
      const { space, pending } = options;
      const query = { ...(space && { spaceId: space }), ...(pending && { state: 'pending' as const }) };
      await showList(options, connect(options).api.list('/v1/actions', { query }), [
        ['id', ({ id }) => id],
        ['kind', ({ kind }) => kind],
        ['space', ({ spaceId }) => spaceId ?? 'all'],
        ['user', ({ userId }) => userId],
        ['state', ({ state }) => state],
        ['at', ({ createdAt }) => createdAt],
        ['silent at', ({ silencedAt }) => silencedAt],
      ]);
    });
  leaf(program, 'action <action>', {
    summary: 'Show how far one act has come',
    examples: ['stagedoor action $ACTION', 'stagedoor action $ACTION --wait --seconds 30'],
  })
    .option('--wait', 'wait until the last connection that it concerns is gone')
    .option('--seconds <number>', 'with --wait: how long at most (default: 60)', whole(1, 86_400))
    .action(async (actionId: string, options: Common & { wait?: true; seconds?: number }) => {
      const { api } = connect(options);
      const { wait, seconds = 60 } = options;
      const action = wait ? await silenced(api, actionId, seconds) : await readAction(api, actionId);
      show(options, action, () => actionForPeople(action));
      if (wait && !isOver(action)) throw new CheckFailed(`The action ${actionId} is not over after ${seconds} s.`);
    });
  listed(
    leaf(program, 'deliveries <action>', {
      summary: 'List the calls to IVS that an act needs',
      examples: ['stagedoor deliveries $ACTION'],
    }),
  ).action(async (actionId: string, options: CommonOfList) => {
    const entries = connect(options).api.list('/v1/actions/{actionId}/targets', { path: { actionId } });
    await showList(options, entries, [
      ['operation', ({ operation }) => operation],
      ['target', ({ target }) => target],
      ['state', ({ state }) => state],
      ['attempts', ({ attempts }) => attempts],
      ['last error', ({ lastError }) => lastError],
      ['done', ({ doneAt }) => doneAt],
    ]);
  });
}

/** Reads an action. */
export async function readAction(api: Connection['api'], actionId: string): Promise<Action> {
  return await api.GET('/v1/actions/{actionId}', { params: { path: { actionId } } });
}

/** Nothing is left to do: everybody is out, or all calls are made. */
function isOver({ silencedAt, state }: Action): boolean {
  return silencedAt !== undefined || state === 'delivered';
}

async function silenced(api: Connection['api'], actionId: string, seconds: number): Promise<Action> {
  const deadline = performance.now() + seconds * 1_000;
  const progress = new Progress();
  try {
    for (;;) {
      const action = await readAction(api, actionId);
      if (isOver(action) || performance.now() > deadline) return action;
      progress.update(`${actionId}: ${countsOf(action)}`);
      await sleep(lookMs);
    }
  } finally {
    progress.end();
  }
}

/** An action, for people. */
export function actionForPeople(action: Action): string {
  const { id, kind, spaceId, userId, reason, state, createdAt, silencedAt } = action;
  return facts([
    ['action', id],
    ['kind', kind],
    ['space', spaceId ?? 'all'],
    ['user', userId],
    ['reason', reason],
    ['state', state],
    ['calls to IVS', countsOf(action)],
    ['silent', silencedAt === undefined ? 'not known yet' : secondsBetween(createdAt, silencedAt)],
  ]);
}

function countsOf({ targetCounts, targets }: Action): string {
  if (!targetCounts) return `${targets.length}`;
  const there = Object.entries(targetCounts).filter(([, count]) => count > 0);
  return there.length === 0 ? 'none' : there.map(([state, count]) => `${count} ${state}`).join(', ');
}

function secondsBetween(from: string, to: string): string {
  return `after ${((Date.parse(to) - Date.parse(from)) / 1_000).toFixed(2)} s`;
}
