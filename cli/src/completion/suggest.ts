import type { Command, Option } from 'commander';
import { readProfiles } from '../profiles.ts';

/** What can be typed next. */
export interface Suggestion {
  word: string;
  /** What it does, in one line. */
  about: string;
}

/**
 * What can stand in place of the last word.
 * @param words what was typed behind `stagedoor`; the last word is the one that is being typed, and may be empty.
 */
export function suggest(program: Command, words: string[]): Suggestion[] {
  const typed = words.at(-1) ?? '';
  let command = program;
  let arguments_ = 0;
  let waiting: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (waiting) waiting = undefined;
    else if (word.startsWith('-')) waiting = optionWithValue(command, word);
    else {
      const below = command.commands.find((one) => one.name() === word);
      if (below) command = below;
      else arguments_ += 1;
    }
  }
  const all = waiting
    ? valuesOf(waiting)
    : typed.startsWith('-')
      ? command.options.map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }))
      : [...commandsOf(command), ...argumentsOf(command, arguments_)];
  return all.filter(({ word }) => word.startsWith(typed));
}

/** The option of this name, if the next word is its value. */
function optionWithValue(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ long, short }) => long === word || short === word);
  return option && (option.required || option.optional) ? option : undefined;
}

function commandsOf(command: Command): Suggestion[] {
  const shown = command.createHelp().visibleCommands(command);
  return shown.map((one) => ({ word: one.name(), about: one.summary() || one.description() }));
}

function argumentsOf(command: Command, at: number): Suggestion[] {
  const argument = command.registeredArguments[at];
  if (!argument) return [];
  if (argument.name() === 'profile') return profiles();
  return (argument.argChoices ?? []).map((word) => ({ word, about: argument.description }));
}

function valuesOf(option: Option): Suggestion[] {
  if (option.long === '--profile') return profiles();
  return (option.argChoices ?? []).map((word) => ({ word, about: option.description }));
}

function profiles(): Suggestion[] {
  return Object.entries(readProfiles().profiles).map(([word, { url }]) => ({ word, about: url }));
}
