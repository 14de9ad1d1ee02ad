import { parseArgs } from 'node:util';
import type { EmulatorOptions } from './options.ts';
import type { Switches } from './state/switches.ts';

export const HELP = `ivs-emulator: Amazon IVS Real-Time and IVS Chat on this machine. It is not AWS.

  --port N             listen on this port (4580; 0 for any that is free)
  --host HOST          listen on this address (127.0.0.1)
  --allow-remote       needed to listen on anything but loopback
  --data DIR           keep state in this folder over restarts
  --seed FILE          create what this JSON file lists
  --strict-quotas      never more calls in a second than AWS grants
  --no-quotas          no call rates at all
  --allow-unsigned     take requests without a signature
  --switch NAME=VALUE  settle a point that AWS does not document; may be repeated
  --event-target URL   POST there what IVS tells EventBridge; may be repeated
  --review-handler ARN=URL
                       the endpoint that stands for a Lambda function reviewing messages; may be repeated
  --chat-logs DIR      write what chat logging records below this folder
  --help

Credentials: access key id "local" or any account id of twelve digits, secret access key "local".
`;

/** A command line that makes no sense, said in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the command line; `help` when that is all it asks for. */
export function parseCommandLine(args: string[]): EmulatorOptions | 'help' {
  const { values } = parse(args);
  if (values.help) return 'help';
  if (values['strict-quotas'] && values['no-quotas'])
    throw new UsageError('--strict-quotas and --no-quotas exclude each other');
  const options: EmulatorOptions = {};
  if (values.port !== undefined) options.port = portOf(values.port);
  if (values.host !== undefined) options.host = values.host;
  if (values['allow-remote']) options.allowRemote = true;
  if (values['allow-unsigned']) options.allowUnsigned = true;
  if (values['strict-quotas']) options.quotas = 'strict';
  if (values['no-quotas']) options.quotas = 'off';
  if (values.data !== undefined) options.data = values.data;
  if (values.seed !== undefined) options.seed = values.seed;
  if (values.switch) options.switches = switchesOf(values.switch);
  const targets = values['event-target'];
  if (targets) options.events = { targets: targets.map((url) => ({ url })) };
  if (values['review-handler']) options.reviewHandlers = Object.fromEntries(values['review-handler'].map(splitPair));
  if (values['chat-logs'] !== undefined) options.chatLogs = values['chat-logs'];
  return options;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
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
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw new UsageError(`--port ${text} is not a port`);
  return port;
}

/** Values are JSON where they can be (`true`, `3`, `null`), else text. What they may be is checked at the start. */
function switchesOf(pairs: string[]): Partial<Switches> {
  const entries = pairs.map((pair) => {
    const [name, value] = splitPair(pair);
    return [name, readValue(value)];
  });
  return Object.fromEntries(entries) as Partial<Switches>;
}

/** Splits `NAME=VALUE` at the first `=`. */
function splitPair(pair: string): [string, string] {
  const [name = '', ...value] = pair.split('=');
  return [name, value.join('=')];
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
