#!/usr/bin/env node
import { tellFailure } from './failures.ts';
import { createProgram } from './program.ts';
import { endWithThePipe } from './terminal.ts';

endWithThePipe();
try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = tellFailure(error, process.argv.includes('--json'));
}
