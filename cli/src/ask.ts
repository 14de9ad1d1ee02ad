import readline from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from './errors.ts';
import { keepSecret } from './redact.ts';

/** Bytes of the standard input that a secret may have at most. */
const mostBytes = 64 * 1024;

/** Whether somebody can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks a question on the terminal. Ctrl-C and Ctrl-D answer nothing.
 * @param isShown whether the terminal shows what is typed.
 */
async function ask(question: string, isShown: boolean): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = isShown ? process.stderr : silence;
  const lines = readline.createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('close', () => reject(new UsageError('Nothing was entered.')));
      if (!isShown) process.stderr.write(question);
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
}

/** Asks for a secret. What is typed is not shown. */
export async function askSecret(question: string): Promise<string> {
  const secret = (await ask(question, false)).trim();
  process.stderr.write('\n');
  keepSecret(secret);
  return secret;
}

/** Reads a secret from the standard input, to its end. */
export async function readSecret(what: string): Promise<string> {
  if (canAsk()) return await askSecret(`${what}: `);
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const part of process.stdin) {
    text += String(part);
    if (text.length > mostBytes) throw new UsageError(`The standard input is too long for ${what.toLowerCase()}.`);
  }
  const secret = text.trim();
  if (secret === '') throw new UsageError(`The standard input is empty. Pipe the ${what.toLowerCase()} into it.`);
  keepSecret(secret);
  return secret;
}

/**
 * Lets a person confirm what cannot be undone.
 * @throws UsageError if they do not, or if nobody can be asked and `--yes` is absent.
 */
export async function confirm(what: string, isAgreed: boolean | undefined): Promise<void> {
  if (isAgreed) return;
  if (!canAsk()) throw new UsageError(`${what} Nobody can be asked here: add --yes to do it.`);
  const answer = await ask(`${what} Continue? [y/N] `, true);
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Nothing was done.');
}
