/** `npm run typecheck`: the types of all sources, tests included. */
import { runChecks, typeChecks } from './checks.ts';

process.exitCode = (await runChecks(typeChecks)) > 0 ? 1 : 0;
