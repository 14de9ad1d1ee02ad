import { readFileSync } from 'node:fs';
import { load, YAMLException } from 'js-yaml';
import { UsageError } from './errors.ts';

/** Reads a text file; `-` is the standard input. */
export async function readText(file: string): Promise<string> {
  if (file === '-') {
    process.stdin.setEncoding('utf8');
    let text = '';
    for await (const part of process.stdin) text += String(part);
    return text;
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Reads a file in YAML, or in JSON, which is YAML too. The message of the error has the line. */
export async function readYaml(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return load(text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new UsageError(`${file} is not valid YAML: ${error.message}`);
  }
}
