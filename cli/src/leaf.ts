import { type Command, Option } from 'commander';
import type { Target } from './connection.ts';
import type { ListOutput, Output } from './output.ts';
import { listLimit, whole } from './options.ts';

/** The options that every command has. */
export type Common = Target & Output;

/** The options that every list has. */
export type CommonOfList = Target & ListOutput;

export interface Confirmable {
  /** It is agreed to, so nobody is asked. */
  yes?: boolean;
}

/** What the help of a command says beside its options. */
export interface Help {
  /** What the command does, in one line. */
  summary: string;
  /** What people should know before they use it. */
  more?: string;
  /** Command lines that work, with shell variables for what each reader has. */
  examples: string[];
}

/**
 * Adds a command.
 * @param usage its name and its arguments, such as `get <space>`.
 */
export function leaf(parent: Command, usage: string, { summary, more, examples }: Help): Command {
  const command = parent.command(usage).summary(summary);
  command.description(more === undefined ? `${summary}.` : `${summary}.\n\n${more}`);
  const title = examples.length === 1 ? 'Example' : 'Examples';
  command.addHelpText('after', `\n${title}:\n${examples.map((line) => `  $ ${line}`).join('\n')}`);
  return command;
}

/** Adds a group of commands. */
export function group(parent: Command, name: string, summary: string): Command {
  return parent.command(name).summary(summary).description(`${summary}.`);
}

/** Adds `--limit` to a list. */
export function listed(command: Command): Command {
  return command.option('--limit <number>', 'how many at most, or all (default: 100)', listLimit);
}

/** Adds `--yes` to a command that cannot be undone. */
export function destroying(command: Command): Command {
  return command.option('-y, --yes', 'do not ask; needed where nobody can be asked');
}

const commonHeading = 'Options of every command:';

/** Adds the options of every command to all commands below. */
export function addCommonOptions(command: Command): void {
  if (command.commands.length > 0) {
    for (const below of command.commands) addCommonOptions(below);
    return;
  }
  const options = [
    new Option('--json', 'print the answer as JSON'),
    new Option('--field <name>', 'print only this field, such as id or stage.token'),
    new Option('--profile <name>', 'the profile that says which service, and with which credential'),
    new Option('--patience <seconds>', 'how long to try again after a passing failure (default: 10)').argParser(
      whole(0, 3_600),
    ),
  ];
  for (const option of options) command.addOption(option.helpGroup(commonHeading));
}
