import type { components } from '@stagedoor/client/server';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { connect } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, group, leaf } from '../leaf.ts';
import { facts, show } from '../output.ts';
import { whole } from '../options.ts';

type Settings = components['schemas']['Settings'];
/** A number of days, or what the deployment has by default. */
type Days = number | 'default';

interface SetOptions extends Common {
  keepEvents?: Days;
  keepGrants?: Days;
  keepAudit?: Days;
  reason?: string[];
  reasons?: false;
  oneLiveToken?: Settings['oneLiveToken'];
}

/** `stagedoor settings`: what a tenant settles for itself. */
export function addSettings(program: Command): void {
  const settings = group(
    program,
    'settings',
    'Settings of the tenant: how long things are kept, reasons, and shared accounts',
  );
  leaf(settings, 'get', { summary: 'Show the settings', examples: ['stagedoor settings get'] }).action(
    async (options: Common) => {
      const found = await connect(options).api.GET('/v1/settings');
      show(options, found, () => settingsForPeople(found));
    },
  );
  leaf(settings, 'set', {
    summary: 'Change settings',
    more: 'What is not named stays as it is. The deployment keeps nothing for longer than it does by default.',
    examples: [
      'stagedoor settings set --keep-events 14 --keep-grants default',
      'stagedoor settings set --reason Spam --reason "Insults others"',
      'stagedoor settings set --one-live-token newest',
    ],
  })
    .option('--keep-events <days>', 'how long events and sessions are kept: days, or default', days)
    .option(
      '--keep-grants <days>',
      'how long grants, actions and bans are kept after their end: days, or default',
      days,
    )
    .option('--keep-audit <days>', 'how long entries of the audit log are kept: days, or default', days)
    .option(
      '--reason <text>',
      'a reason that the console offers to moderators; repeat it for each one',
      (text: string, before?: string[]): string[] | undefined => [...(before ?? []), text],
    )
    .option('--no-reasons', 'offer no reasons')
    .addOption(
      new Option(
        '--one-live-token <which>',
        'how many live tokens of a kind a user may have in a space: off is any number, newest replaces the older one, first keeps it',
      ).choices(['off', 'newest', 'first']),
    )
    .action(async (options: SetOptions) => {
      const body = changesOf(options);
      if (Object.keys(body).length === 0) throw new UsageError('Name at least one setting: see --help.');
      const changed = await connect(options).api.PATCH('/v1/settings', { body });
      show(options, changed, () => settingsForPeople(changed));
    });
}

function days(text: string): Days {
  if (text === 'default') return text;
  try {
    return whole(1)(text);
  } catch {
    throw new InvalidArgumentError('It takes a number of days, or default.');
  }
}

function changesOf(options: SetOptions): components['schemas']['UpdateSettingsRequest'] {
  const { keepEvents: events, keepGrants: grants, keepAudit: audit, reason, reasons, oneLiveToken } = options;
  if (reason && reasons === false) throw new UsageError('Give either --reason or --no-reasons, not both.');
  const retentionDays = {
    ...(events !== undefined && { events: numberOf(events) }),
    ...(grants !== undefined && { grants: numberOf(grants) }),
    ...(audit !== undefined && { audit: numberOf(audit) }),
  };
  return {
    ...(Object.keys(retentionDays).length > 0 && { retentionDays }),
    ...((reason ?? (reasons === false && [])) && { reasons: reason ?? [] }),
    ...(oneLiveToken !== undefined && { oneLiveToken }),
  };
}

/** As the API takes it. */
function numberOf(kept: Days): number | null {
  return kept === 'default' ? null : kept;
}

function settingsForPeople({ retentionDays, mostRetentionDays, reasons, oneLiveToken, updatedAt }: Settings): string {
  const kept = (kind: keyof typeof retentionDays) =>
    `${retentionDays[kind]} days, of at most ${mostRetentionDays[kind]}`;
  return facts([
    ['events', kept('events')],
    ['grants', kept('grants')],
    ['audit', kept('audit')],
    ['reasons', reasons.join(', ')],
    ['one live token', oneLiveToken],
    ['changed', updatedAt],
  ]);
}
