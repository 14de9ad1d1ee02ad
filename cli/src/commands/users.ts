import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { type Common, type Confirmable, destroying, group, leaf } from '../leaf.ts';
import { facts, show } from '../output.ts';
import { told } from './tenants.ts';

/** `stagedoor user`: the data of one person. */
export function addUsers(program: Command): void {
  const user = group(program, 'user', 'The data of one person');
  destroying(
    leaf(user, 'erase <user>', {
      summary: 'Erase a person: what is on record about them',
      more: 'Their tokens are revoked. Their bans hold on, under a hash of their id. There is no way back.',
      examples: ['stagedoor user erase bob --yes'],
    }),
  ).action(async (userId: string, options: Common & Confirmable) => {
    const { api } = connect(options);
    await confirm(`What is on record about ${userId} is erased for good.`, options.yes);
    const action = await api.DELETE('/v1/users/{userId}/data', { params: { path: { userId } } });
    show(options, action, () =>
      facts([
        ['erasure', action.id],
        ['known from now on as', action.userId],
        ['how far it has come', `stagedoor user erasure ${action.id}`],
      ]),
    );
  });
  leaf(user, 'erasure <erasure>', {
    summary: 'Show how far an erasure has come, and what remains',
    examples: ['stagedoor user erasure $ERASURE'],
  }).action(async (erasureId: string, options: Common) => {
    const { api } = connect(options);
    const erasure = await api.GET('/v1/erasures/{erasureId}', { params: { path: { erasureId } } });
    show(options, erasure, () =>
      facts([
        ['erasure', erasure.id],
        ['known from now on as', erasure.name],
        ['state', erasure.state],
        ['requested', erasure.requestedAt],
        ['finished', erasure.finishedAt ?? undefined],
        ['erased', erasure.erased.map(({ what, rows }) => `${what}: ${rows}`).join(', ')],
        ['rows that wait', erasure.waitingRows],
        ...erasure.remains.map(({ what, why, until }): [string, unknown] => ['remains', told(what, why, until)]),
      ]),
    );
  });
}
