import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EmulatorOptions } from './options.ts';
import { readSwitches, switchesOfEnvironment } from './state/switches.ts';

export const HELP = `ivs-emulator: Amazon IVS Real-Time and IVS Chat on this machine. It is not AWS.

  --port N             listen on this port (default 4580; 0 picks a free port)
  --host HOST          listen on this address (default 127.0.0.1)
  --allow-remote       allow an address that other machines can reach
  --data DIR           keep state in this folder across restarts
  --seed FILE          create the resources that this JSON file lists
  --strict-quotas      refuse calls above AWS's rate in every span of one second
  --no-quotas          do not limit call rates
  --allow-unsigned     accept requests without a signature
  --switch NAME=VALUE  choose the behavior where AWS documents none, or two; repeatable
  --event-target URL   POST the events that IVS sends to EventBridge to this URL; repeatable
  --review-handler ARN=URL
                       send messages for review to URL in place of the Lambda function ARN; repeatable
  --chat-logs DIR      write chat logs to files in this folder
  --version            print the version
  --help               print this text

The environment sets the same, for containers: IVS_EMULATOR_PORT=4580, IVS_EMULATOR_NO_QUOTAS=true, and so on. What is
repeatable has a plural and commas: IVS_EMULATOR_SWITCHES=NAME=VALUE,NAME=VALUE, IVS_EMULATOR_EVENT_TARGETS,
IVS_EMULATOR_REVIEW_HANDLERS. An option of the command line has precedence.

ivs-emulator wait [--url URL] [--timeout SECONDS]
  waits until an emulator answers at URL (default http://127.0.0.1:4580, or the port of IVS_EMULATOR_PORT), for CI and for
  health checks; it fails if none answers in time (default 30 seconds)

Credentials: the access key id is "local" or any account id of twelve digits. The secret access key is "local".
`;

/** The version of this package. */
export function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** An error in the command line. The message is one line that a user can act on. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The options, as `parseArgs` takes them. */
const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  'allow-remote': { type: 'boolean' },
  data: { type: 'string' },
  seed: { type: 'string' },
  'strict-quotas': { type: 'boolean' },
  'no-quotas': { type: 'boolean' },
  'allow-unsigned': { type: 'boolean' },
  switch: { type: 'string', multiple: true },
  'event-target': { type: 'string', multiple: true },
  'review-handler': { type: 'string', multiple: true },
  'chat-logs': { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Of these, one excludes the other: who gives one on the command line means it instead of the other. */
const QUOTA_OPTIONS = ['strict-quotas', 'no-quotas'];

/**
 * Reads the command line, and the variables of the environment that set the same. An option has precedence over its
 * variable. Returns `help` or `version` when that is asked for.
 *
 * @throws UsageError for an unknown option or a wrong value.
 */
export function parseCommandLine(
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): EmulatorOptions | 'help' | 'version' {
  const given = new Set(Object.keys(parse(args).values));
  if (QUOTA_OPTIONS.some((name) => given.has(name))) for (const name of QUOTA_OPTIONS) given.add(name);
  const { values } = parse([...optionsOfEnvironment(environment, given), ...args]);
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (values['strict-quotas'] && values['no-quotas'])
    throw new UsageError('give either --strict-quotas or --no-quotas, not both');
  const options: EmulatorOptions = {};
  if (values.port !== undefined) options.port = portOf(values.port);
  if (values.host !== undefined) options.host = values.host;
  if (values['allow-remote']) options.allowRemote = true;
  if (values['allow-unsigned']) options.allowUnsigned = true;
  if (values['strict-quotas']) options.quotas = 'strict';
  if (values['no-quotas']) options.quotas = 'off';
  if (values.data !== undefined) options.data = values.data;
  if (values.seed !== undefined) options.seed = values.seed;
  const switches = { ...switchesOfEnvironment(environment), ...readSwitches(values.switch ?? []) };
  if (Object.keys(switches).length > 0) options.switches = switches;
  const targets = values['event-target'];
  if (targets) options.events = { targets: targets.map((url) => ({ url })) };
  if (values['review-handler']) options.reviewHandlers = Object.fromEntries(values['review-handler'].map(splitPair));
  if (values['chat-logs'] !== undefined) options.chatLogs = values['chat-logs'];
  return options;
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * The options that the environment sets, as the command line would: `IVS_EMULATOR_CHAT_LOGS=logs` is `--chat-logs=logs`. An
 * empty variable counts as unset. The switches are read elsewhere, because each of them can be overridden alone.
 * @param given names of options that the command line has: their variables do not count.
 */
function optionsOfEnvironment(environment: NodeJS.ProcessEnv, given: ReadonlySet<string>): string[] {
  return Object.entries(OPTIONS).flatMap(([name, option]) => {
    if (given.has(name) || ['switch', 'version', 'help'].includes(name)) return [];
    const isMultiple = 'multiple' in option;
    const variable = `IVS_EMULATOR_${name.replaceAll('-', '_').toUpperCase()}${isMultiple ? 'S' : ''}`;
    const value = environment[variable];
    if (!value) return [];
    if (option.type === 'string')
      return (isMultiple ? value.split(/[\s,]+/) : [value]).map((one) => `--${name}=${one}`);
    if (value !== 'true' && value !== 'false') throw new UsageError(`${variable} must be true or false, not ${value}`);
    return value === 'true' ? [`--${name}`] : [];
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new UsageError(`--port must be 0 to 65535, not ${text}`);
  return port;
}

/** Splits `NAME=VALUE` at the first `=`. */
function splitPair(pair: string): [string, string] {
  const [name = '', ...value] = pair.split('=');
  return [name, value.join('=')];
}
