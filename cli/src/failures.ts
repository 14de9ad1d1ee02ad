import { StagedoorProblem } from '@stagedoor/client/server';
import { CommanderError } from 'commander';
import { whyNoAnswer } from './connection.ts';
import { CheckFailed, Interrupted, UsageError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { printable, tell } from './terminal.ts';

/** What a person can do after a problem of the service, by its code. */
const advices: Partial<Record<string, string>> = {
  unauthenticated: 'Check the credential: stagedoor profile list, or STAGEDOOR_API_KEY and STAGEDOOR_OPERATOR_TOKEN.',
  forbidden: 'stagedoor doctor shows what the credential may do.',
  not_found: 'Check the id, and that the API key is of the right tenant.',
  network: 'Check the address, and that the service runs. stagedoor doctor looks further.',
  unexpected_answer: 'Something else answers at this address. stagedoor doctor looks further.',
  rate_limited: 'Wait, and run the same command again.',
  unavailable: 'Run the same command again in a moment. stagedoor doctor looks further.',
  ivs_unavailable: 'Run the same command again in a moment.',
  ivs_rejected: 'stagedoor doctor --with-space tries each call to Amazon IVS.',
};

/** Tells why a command failed. Returns the exit code. */
export function tellFailure(error: unknown, isJson: boolean): number {
  if (error instanceof StagedoorProblem) {
    const exitCode = isPassing(error) ? exitCodes.unreachable : exitCodes.refused;
    tell(isJson ? JSON.stringify({ error: { ...documentOf(error), exitCode } }) : textOf(error));
    return exitCode;
  }
  if (error instanceof CheckFailed) return tellPlainly(error.message, 'check_failed', exitCodes.refused, isJson);
  if (error instanceof UsageError) return tellPlainly(error.message, 'usage', exitCodes.usage, isJson);
  if (error instanceof Interrupted) return tellPlainly(error.message, 'interrupted', exitCodes.interrupted, isJson);
  if (error instanceof CommanderError) return codeOfCommander(error, isJson);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return tellPlainly(
    `This is a fault of stagedoor. Report it with these lines.\n${text}`,
    'fault',
    exitCodes.fault,
    isJson,
  );
}

/** Commander has told people already what was wrong. */
function codeOfCommander({ exitCode, message }: CommanderError, isJson: boolean): number {
  if (exitCode === 0) return exitCodes.ok;
  return isJson ? tellPlainly(message.replace(/^error: /, ''), 'usage', exitCodes.usage, true) : exitCodes.usage;
}

function tellPlainly(message: string, code: string, exitCode: number, isJson: boolean): number {
  if (isJson) tell(JSON.stringify({ error: { code, detail: message, exitCode } }));
  else if (message !== '') tell(`stagedoor: ${message}`);
  return exitCode;
}

/** Whether the same command may succeed later. */
function isPassing({ code, status }: StagedoorProblem): boolean {
  return code === 'network' || code === 'unexpected_answer' || status === 429 || status >= 500;
}

function documentOf(problem: StagedoorProblem): object {
  const { code, status, requestId, retryAfterSeconds, document } = problem;
  return { ...document, code, status, detail: detailOf(problem), requestId, retryAfterSeconds };
}

function detailOf({ code, detail, cause }: StagedoorProblem): string {
  return code === 'network' ? `${detail} The reason: ${whyNoAnswer(cause)}.` : detail;
}

function textOf(problem: StagedoorProblem): string {
  const { code, status, errors, requestId, retryAfterSeconds, document } = problem;
  const { title, reason, until } = document;
  const lines = [
    `stagedoor: ${typeof title === 'string' ? `${title} (${code})` : code}${status > 0 ? `, status ${status}` : ''}`,
    detailOf(problem),
    ...errors.map(({ path, message }) => `- ${path}: ${message}`),
    typeof reason === 'string' && `The reason: ${reason}`,
    typeof until === 'string' && `It ends at ${until}.`,
    retryAfterSeconds !== undefined && `The service asks to wait for ${Math.ceil(retryAfterSeconds)} s.`,
    advices[code],
    requestId !== undefined && `Request ${requestId}`,
  ];
  return lines
    .filter((line) => typeof line === 'string' && line !== '')
    .map((line, at) => (at === 0 ? '' : '  ') + printable(String(line)))
    .join('\n');
}
