import { exitCodes } from './exit-codes.ts';
import { tellFailure } from './failures.ts';
import { createProgram } from './program.ts';

/** Runs a command, such as `['space', 'list']`, in this process. Tells what failed. Returns the exit code. */
export async function run(args: string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok); // a command may have set one
  } catch (error) {
    return tellFailure(error, args.includes('--json'));
  }
}
