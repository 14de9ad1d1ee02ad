import { parseArgs } from 'node:util';
import { UsageError } from './cli.ts';
import { DEFAULT_PORT } from './options.ts';

/** What `ivs-emulator wait` waits for. */
export interface WaitOptions {
  /** The address of the emulator. */
  url: string;
  timeoutSeconds: number;
}

/** The pause between two questions. */
const PAUSE_MS = 100;
/** How long one question may take. A port that accepts connections and never answers must not use up all the time. */
const QUESTION_MS = 2000;

/**
 * Reads the arguments after `wait`. Without `--url`, the port is that of the emulator in the same environment.
 *
 * @throws UsageError for an unknown option or a wrong value.
 */
export function parseWait(args: string[], environment: NodeJS.ProcessEnv = {}): WaitOptions {
  const { url, timeout } = parse(args, `http://127.0.0.1:${environment['IVS_EMULATOR_PORT'] || DEFAULT_PORT}`);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new UsageError(`--url must begin with http:// or https://, not ${url}`);
  }
  const timeoutSeconds = Number(timeout);
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 86_400)) {
    throw new UsageError(`--timeout must be a number of seconds, not ${timeout}`);
  }
  return { url, timeoutSeconds };
}

function parse(args: string[], defaultUrl: string): { url: string; timeout: string } {
  try {
    return parseArgs({
      args,
      options: {
        url: { type: 'string', default: defaultUrl },
        timeout: { type: 'string', default: '30' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * Waits until an emulator answers. It is meant for CI and for the health check of a container.
 *
 * @throws Error when none answers in time. The message says what answered instead, if anything did.
 */
export async function waitForEmulator({ url, timeoutSeconds }: WaitOptions): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  let lastAnswer: string | undefined;
  for (;;) {
    const left = deadline - performance.now();
    const { problem, isAnswer } = await ask(url, Math.ceil(Math.min(QUESTION_MS, Math.max(left, 1))));
    if (problem === undefined) return;
    // The last question may be cut short. What answered before tells more.
    if (isAnswer) lastAnswer = problem;
    if (performance.now() + PAUSE_MS > deadline) {
      throw new Error(`no emulator answers at ${url} within ${timeoutSeconds} s: ${lastAnswer ?? problem}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Asks once. `problem` is what is wrong, and `undefined` when an emulator answers. */
async function ask(url: string, timeoutMs: number): Promise<{ problem: string | undefined; isAnswer: boolean }> {
  try {
    const answer = await fetch(new URL('/_emulator/health', url), { signal: AbortSignal.timeout(timeoutMs) });
    const body = (await answer.json().catch(() => undefined)) as { emulator?: unknown } | null | undefined;
    const isEmulator = body?.emulator === 'ivs-emulator';
    const problem = isEmulator ? undefined : `something else answers there, with status ${answer.status}`;
    return { problem, isAnswer: true };
  } catch (error) {
    const { message, cause } = error as Error;
    return { problem: cause instanceof Error && cause.message ? cause.message : message, isAnswer: false };
  }
}
