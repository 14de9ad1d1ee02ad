import type { Command } from 'commander';
import { connect } from '../connection.ts';
import { type Common, leaf } from '../leaf.ts';
import { show, table } from '../output.ts';

/** `stagedoor quotas`: the rates of Amazon IVS. */
export function addQuotas(program: Command): void {
  leaf(program, 'quotas', {
    summary: 'Show the call rates of Amazon IVS, what is left, and how long a call waits',
    more: 'A tenant sees its own AWS account. With --operator the operator sees all that were used.',
    examples: ['stagedoor quotas', 'stagedoor quotas --operator --json'],
  })
    .option('--operator', 'ask as the operator')
    .action(async (options: Common & { operator?: true }) => {
      const quotas = await connect(options, options.operator ? 'operator' : 'apiKey').api.GET('/v1/quotas');
      const rows = quotas.data.flatMap(({ account, region, quotas }) =>
        quotas.map((quota) => ({ account, region, ...quota })),
      );
      show(options, quotas, () =>
        rows.length === 0
          ? 'None.'
          : table(
              [
                ['account', ({ account }) => account],
                ['region', ({ region }) => region],
                ['call', ({ operation }) => operation],
                ['for', ({ lane }) => lane],
                ['a second', ({ perSecond }) => perSecond],
                ['left', ({ left }) => left ?? 'unknown'],
                ['a call waits', ({ waitSeconds }) => `${waitSeconds} s`],
              ],
              rows,
            ),
      );
    });
}
