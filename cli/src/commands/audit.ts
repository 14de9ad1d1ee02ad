import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { ChainReader, type Entry, type Place, type Verdict } from '../audit/chain.ts';
import { connect, type Connection } from '../connection.ts';
import { CheckFailed, UsageError } from '../errors.ts';
import { readText } from '../files.ts';
import { type Common, type CommonOfList, group, leaf, listed } from '../leaf.ts';
import { time } from '../options.ts';
import { facts, show, showList } from '../output.ts';
import { Progress, tell } from '../terminal.ts';

interface Filters {
  user?: string;
  space?: string;
  action?: string;
  since?: string;
}

interface VerifyOptions extends Common {
  tenant?: string;
  head?: Place;
}

/** `stagedoor audit`: who changed what. */
export function addAudit(program: Command): void {
  const audit = group(program, 'audit', 'The audit log: who changed what');
  filtered(
    listed(
      leaf(audit, 'list', {
        summary: 'List the entries, the newest first',
        examples: ['stagedoor audit list --since 1d', 'stagedoor audit list --user bob --action ban.create'],
      }),
    ),
  ).action(async (options: CommonOfList & Filters) => {
    await showList(options, connect(options).api.list('/v1/audit', { query: queryOf(options) }), [
      ['at', ({ at }) => at],
      ['action', ({ action }) => action],
      ['by', ({ caller }) => `${caller.kind} ${caller.id}`],
      ['user', ({ userId }) => userId],
      ['space', ({ spaceId }) => spaceId],
      ['subject', ({ subject }) => subject],
      ['place', ({ seq }) => seq],
    ]);
  });
  filtered(
    leaf(audit, 'export [file]', {
      summary: 'Write the entries as JSON Lines, the newest first',
      more: 'Without a file they go to the standard output. audit verify reads such a file.',
      examples: ['stagedoor audit export audit.jsonl', 'stagedoor audit export --since 1d | wc -l'],
    }),
  ).action(async (file: string | undefined, options: Common & Filters) => await exportTo(file, options));
  leaf(audit, 'verify [file]', {
    summary: 'Compute the hash chain of the entries, and compare',
    more: [
      'It reads all entries from the service, or from a file of audit export. It notices a changed entry and one that is missing in',
      'between. It cannot notice that the newest entries were removed, unless --head names one that you have stored, and it',
      'cannot check what came before the oldest entry that is listed. A key of a tenant sees the entries of that tenant alone.',
    ].join(' '),
    examples: ['stagedoor audit verify', 'stagedoor audit verify --field head.hash'],
  })
    .option('--tenant <tenant>', 'the id of the tenant (default: as the log of events says)')
    .option('--head <place:hash>', 'an entry that must still be there, such as 1042:9f86…', headOf)
    .action(async (file: string | undefined, options: VerifyOptions) => await verify(file, options));
}

function filtered(command: Command): Command {
  return command
    .option('--user <user>', 'only about this user')
    .option('--space <space>', 'only about this space')
    .option('--action <action>', 'only of this kind, such as ban.create')
    .option('--since <time>', 'only from this time on, or how long ago, such as 1d', time);
}

function queryOf({ user, space, action, since }: Filters) {
  return {
    ...(user !== undefined && { userId: user }),
    ...(space !== undefined && { spaceId: space }),
    ...(action !== undefined && { action }),
    ...(since !== undefined && { since }),
  };
}

function headOf(text: string): Place {
  const match = /^(\d+):([0-9a-f]{64})$/.exec(text);
  if (!match) throw new InvalidArgumentError('It takes the place and the hash of an entry, with a colon between.');
  return { seq: Number(match[1]), hash: match[2] ?? '' };
}

async function exportTo(file: string | undefined, options: Common & Filters): Promise<void> {
  const { api } = connect(options);
  // An export may hold what others must not read. A file that is there already is not overwritten.
  const to = file === undefined ? process.stdout : createWriteStream(file, { mode: 0o600, flags: 'wx' });
  if (file !== undefined) {
    await once(to, 'open').catch((error: Error) => {
      throw new UsageError(`${file} cannot be written: ${error.message}`);
    });
  }
  const progress = new Progress();
  let count = 0;
  try {
    for await (const entry of api.list('/v1/audit', { query: queryOf(options) })) {
      if (!to.write(`${JSON.stringify(entry)}\n`)) await once(to, 'drain');
      count += 1;
      if (count % 100 === 0) progress.update(`${count} entries …`);
    }
  } finally {
    progress.end();
  }
  if (file === undefined) return;
  to.end();
  await once(to, 'finish');
  show(options, { file, entries: count }, () => `${count} entries are in ${file}.`);
}

async function verify(file: string | undefined, options: VerifyOptions): Promise<void> {
  let verdict = await read(file, options);
  // An entry that was sealed while the list was read looks as if it were missing.
  const most = file === undefined ? 3 : 0;
  for (let again = 0; again < most && verdict.fault && verdict.unsealed > 0; again++) {
    await sleep(2_000);
    verdict = await read(file, options);
  }
  show(options, verdict, () => verdictForPeople(verdict));
  if (verdict.verified === 0 && !verdict.fault) tell('stagedoor: There was nothing to compare.');
  if (verdict.fault) throw new CheckFailed(`The audit log is broken at entry ${verdict.fault.seq}.`);
}

async function read(file: string | undefined, options: VerifyOptions): Promise<Verdict> {
  const connection = file === undefined ? connect(options) : undefined;
  const tenantId = options.tenant ?? (connection && (await tenantOf(connection)));
  if (tenantId === undefined) throw new UsageError('Name the tenant with --tenant: its id is part of each hash.');
  const chain = new ChainReader(tenantId, options.head);
  const progress = new Progress();
  let count = 0;
  try {
    for await (const entry of connection ? connection.api.list('/v1/audit') : entriesOf(file ?? '-')) {
      chain.take(entry);
      count += 1;
      if (count % 100 === 0) progress.update(`${count} entries …`);
    }
  } finally {
    progress.end();
  }
  return chain.end();
}

async function* entriesOf(file: string): AsyncIterable<Entry> {
  const lines = (await readText(file)).split('\n');
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '') continue;
    try {
      yield JSON.parse(line) as Entry;
    } catch {
      throw new UsageError(`${file} is no file of audit export: line ${at + 1} is no JSON.`);
    }
  }
}

/** The id of the tenant of an API key. Every event has it; no other answer does. */
async function tenantOf({ api }: Connection): Promise<string | undefined> {
  for await (const { tenantId } of api.list('/v1/events', { query: { limit: 1 } })) return tenantId;
  return undefined;
}

function verdictForPeople({ tenantId, verified, unsealed, head, from, fault }: Verdict): string {
  return facts([
    ['tenant', tenantId],
    [
      'result',
      fault ? `broken at entry ${fault.seq}: ${fault.problem}${fault.id ? ` (${fault.id})` : ''}` : 'the chain holds',
    ],
    ['compared', verified],
    ['not in the chain yet', unsealed],
    [
      'oldest entry',
      from === null ? undefined : from === 1 ? '1, the first of all' : `${from}; what came before it is not listed`,
    ],
    ['newest entry', head === null ? undefined : `${head.seq}:${head.hash}`],
  ]);
}
