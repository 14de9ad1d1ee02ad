/** `npm run lint`: the format and the rules of the sources. */
import { lintChecks, runChecks } from './checks.ts';

process.exitCode = (await runChecks(lintChecks)) > 0 ? 1 : 0;
