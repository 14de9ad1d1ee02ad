import { styleText } from 'node:util';
import { withoutSecrets } from './redact.ts';

/** Characters that would move the cursor, change colours or turn the direction of the text. Names come from other people. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g; // oxlint-disable-line no-control-regex

/** The text of somebody else, safe to show in a terminal. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, '\ufffd');
}

/** Prints a result. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Tells people something that is no result: on the standard error output, and without secrets. */
export function tell(text: string): void {
  process.stderr.write(`${withoutSecrets(text)}\n`);
}

/** Whether a person sees the standard error output at this moment. */
export function isWatched(): boolean {
  return process.stderr.isTTY === true;
}

type Style = Parameters<typeof styleText>[0];

/** Text in a colour, if the standard output is a terminal that wants colours. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** A line that shows how far long work has come. It is shown only to a person, and is gone at the end. */
export class Progress {
  private shown = '';

  update(text: string): void {
    if (!isWatched() || text === this.shown) return;
    process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    this.shown = text;
  }

  end(): void {
    if (this.shown !== '') process.stderr.write('\r\u001b[2K');
    this.shown = '';
  }
}

/**
 * A reader that has seen enough, such as `head`, closes the pipe. Then the program ends at once, and that is no failure.
 */
export function endWithThePipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}
