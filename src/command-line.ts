import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { messageOf } from './redaction.ts';

/**
 * The options of a command of this build, such as dist/database/migrate.js. Without this check a misspelled option would be as
 * good as none: `--migrat` would serve without migrating, and `--help` would migrate.
 * @throws {Error} for an argument that the command does not take.
 */
export function optionsOf<T extends ParseArgsOptionsConfig>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    const taken = names.length === 0 ? 'no options' : `these options: ${names.join(', ')}`;
    throw new Error(`${messageOf(error)}. This command takes ${taken}.`, { cause: error });
  }
}
