import { Command } from 'commander';
import { addActions } from './commands/actions.ts';
import { addAudit } from './commands/audit.ts';
import { addConsole } from './commands/console.ts';
import { addEvents } from './commands/events.ts';
import { addIssuers } from './commands/issuers.ts';
import { addJoins } from './commands/joins.ts';
import { addKeys } from './commands/keys.ts';
import { addMembers } from './commands/members.ts';
import { addModeration, addPeople } from './commands/moderation.ts';
import { addNotes } from './commands/notes.ts';
import { addCompletion } from './commands/completion.ts';
import { addDoctor } from './commands/doctor.ts';
import { addLoadtest } from './commands/loadtest.ts';
import { addPolicy } from './commands/policy.ts';
import { addProfiles } from './commands/profiles.ts';
import { addQuotas } from './commands/quotas.ts';
import { addSessions } from './commands/sessions.ts';
import { addSettings } from './commands/settings.ts';
import { addSpaces } from './commands/spaces.ts';
import { addTenants } from './commands/tenants.ts';
import { addUsers } from './commands/users.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { addCommonOptions } from './leaf.ts';
import { withoutSecrets } from './redact.ts';
import { version } from './version.ts';

const footer = `
Which service: STAGEDOOR_URL with STAGEDOOR_API_KEY or STAGEDOOR_OPERATOR_TOKEN, or a profile (stagedoor profile add).

Exit codes: 0 done; 1 refused, or a check has failed; 2 the command line is wrong; 3 no usable answer, try again later;
70 a fault of stagedoor; 130 stopped.`;

/** The headings under which the commands stand, with what adds them. */
const parts: [heading: string, ...add: ((program: Command) => void)[]][] = [
  ['Set up:', addProfiles, addTenants, addKeys, addIssuers, addConsole, addSettings],
  ['Spaces and people:', addSpaces, addMembers, addJoins, addPeople, addSessions],
  ['Moderation:', addModeration, addActions, addNotes, addUsers],
  ['What happened:', addEvents, addAudit, addWebhooks],
  ['Test a deployment:', addQuotas, addPolicy, addLoadtest, addDoctor],
];

/** The whole command line. Every parse error and every help is thrown as a `CommanderError`. */
export function createProgram(): Command {
  const program = new Command('stagedoor')
    .description('The command line of Stagedoor: who may enter which Amazon IVS stage and chat room, and who is out.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', footer)
    .showHelpAfterError('Run it with --help to see what it takes.')
    // An option that does not exist may hold a secret.
    .configureOutput({ writeErr: (text) => process.stderr.write(withoutSecrets(text)) })
    .exitOverride();
  for (const [heading, ...adds] of parts) {
    program.commandsGroup(heading);
    for (const add of adds) add(program);
  }
  addCommonOptions(program);
  program.commandsGroup('Shell:');
  addCompletion(program);
  return program;
}
