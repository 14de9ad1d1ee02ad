#!/usr/bin/env node
import { run } from './run.ts';
import { endWithThePipe } from './terminal.ts';

endWithThePipe();
process.exitCode = await run(process.argv.slice(2));
