/**
 * Looks for every secret of a test file in what its services log, in the traces that they export, and in their databases, and
 * fails the file if one is there. The secrets are those that tests send, and those in the answers of every HTTP server in this
 * process: the service, the emulator of IVS, KMS, identity providers. test/runner/environment.mjs asks at the end of each file.
 */
import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { PinoLogger } from 'nestjs-pino';
import { loggerOptions } from '../../src/logging.ts';
import { atEndOfFile } from '../runner/end-of-file.mjs';

/** Length of the pieces by which a secret is found, in characters. Whatever holds twice as many of it holds a piece. */
const pieceLength = 12;

/** So much of the end of a secret is looked for. Beginnings are shown on purpose, or are the same in all tokens. */
const ownLength = 36;

/** Shorter ones are words. */
const shortest = 20;

/** What may be a secret or a part of one. Dots stand between the parts of tokens. */
const runs = new RegExp(String.raw`[\w+/=-]{${pieceLength},}`, 'g');

/** Runs that are in nearly every line, and no secrets: UUIDs, and ids of Stagedoor. */
const idOnly = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]{3}_[0-9a-z]{26})$/;

/** The mark of src/redaction.ts. */
const redacted = '[secret]';

/** Secrets by their form, in any text. */
const forms = /\bsk_[a-z0-9-]{1,32}_\w{43}_\w{6}\b|\bwhsec_[\w+/=]{8,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;

/** Secrets by the name of their field, in JSON and in the XML of STS. */
const fields =
  /"(token|secret|clientSecret|client_secret|csrfToken|credential|access_token|id_token|refresh_token|Plaintext)": ?"([^"\\]+)"|<(SecretAccessKey|SessionToken)>([^<]+)</g;

/** Answers are read up to here. Longer ones are lists and pages, which hold no secret. */
const mostRead = 32 * 1024;

/** Secrets, and texts that may hold none of them. */
export class SecretSearch {
  /** What each piece is of. */
  private readonly pieces = new Map<string, string>();
  /** The runs of all texts, each with the first text that had it. So many lines that are alike take little memory. */
  private readonly seen = new Map<string, string>();
  /** Lines that would have held a secret, had it not been taken out. */
  private readonly saved: string[] = [];

  /** Notes a secret. @param what says which one it is if it is found. */
  add(what: string, secret: string): void {
    if (secret.length < shortest) return;
    for (const run of secret.slice(-ownLength).match(runs) ?? []) {
      for (let end = run.length; end >= pieceLength; end -= pieceLength) {
        this.pieces.set(run.slice(end - pieceLength, end), what);
      }
    }
  }

  /** Notes the secrets in a text that somebody may have, such as an answer. */
  addFrom(where: string, text: string): void {
    for (const [secret] of text.matchAll(forms)) this.add(`a ${secret.slice(0, 3)}… of ${where}`, secret);
    for (const [, name, value, tag, content] of text.matchAll(fields)) {
      this.add(`${name ?? tag} of ${where}`, value ?? content ?? '');
    }
  }

  /** Keeps a text that may hold no secret: some lines of a log, traces, rows. @param where such as `the log`. */
  read(where: string, text: string): void {
    for (const line of text.split('\n')) {
      if (line.includes(redacted)) this.saved.push(`${where}: ${line.slice(0, 500)}`);
      for (const [run] of line.matchAll(runs)) {
        if (!idOnly.test(run) && !this.seen.has(run)) this.seen.set(run, `${where}: ${line.slice(0, 500)}`);
      }
    }
  }

  /** Where a secret was found: which one it is, and the text. All is forgotten then. */
  end(): string[] {
    const found = this.saved.map((text) => `taken out at the last moment: ${text}`);
    for (const [run, text] of this.seen) {
      const what = this.whatIsIn(run);
      if (what !== undefined) found.push(`${what}: ${text}`);
    }
    this.pieces.clear();
    this.seen.clear();
    this.saved.length = 0;
    return found;
  }

  private whatIsIn(run: string): string | undefined {
    for (let at = 0; at + pieceLength <= run.length; at++) {
      const what = this.pieces.get(run.slice(at, at + pieceLength));
      if (what !== undefined) return what;
    }
    return undefined;
  }
}

/** The search of this worker. Test files run in it one after the other. */
export const secretSearch = new SecretSearch();

/** Takes what a stream says, and hands on whole lines; what comes after the last one is handed on at the end. */
export function readLines(stream: Readable, read: (lines: string) => void): void {
  let rest = '';
  stream.on('data', (text: string | Buffer) => {
    const all = rest + text.toString();
    const end = all.lastIndexOf('\n') + 1;
    if (end > 0) read(all.slice(0, end));
    rest = all.slice(end);
  });
  stream.once('end', () => read(rest));
}

/** Fails if a secret of this file was where none may be. */
export function assertNoSecretFound(): void {
  const found = secretSearch.end();
  if (found.length === 0) return;
  const shown = found.slice(0, 10).map((text) => `  ${text}`);
  throw new Error(`${found.length} texts of the service hold a secret:\n${shown.join('\n')}`);
}

/**
 * All services in this process log through one logger, that of the first (nestjs-pino). So it is made here, for the finest
 * level, before there is a service.
 */
function listenToLog(): void {
  const write = (line: string) => secretSearch.read('the log', line);
  const pinoLogger = new PinoLogger(loggerOptions({ logLevel: 'trace', secrets: [] }, { write }));
  if (pinoLogger.logger.level !== 'trace') {
    throw new Error('a service was made before test/support/secret-search.ts was imported: import it first');
  }
}

/** Reads the secrets in what is sent to each HTTP server of this process, and in what it answers. */
function listenToServers(): void {
  diagnostics.subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const where = `${request.method} ${request.url?.split('?')[0]}`;
    const { authorization = '', cookie = '' } = request.headers;
    if (authorization.length > 32) secretSearch.add(`credential of ${where}`, authorization);
    if (cookie !== '') addCookies(where, cookie);
    let length = 0;
    const readPart = (part: unknown) => {
      if (length > mostRead || !(typeof part === 'string' || part instanceof Uint8Array)) return;
      length += part.length;
      secretSearch.addFrom(where, typeof part === 'string' ? part : Buffer.from(part).toString('latin1'));
    };
    const { write, end, writeHead } = response;
    response.write = function (this: ServerResponse, ...args: unknown[]) {
      readPart(args[0]);
      return Reflect.apply(write, this, args);
    } as typeof write;
    response.end = function (this: ServerResponse, ...args: unknown[]) {
      readPart(args[0]);
      return Reflect.apply(end, this, args);
    } as typeof end;
    response.writeHead = function (this: ServerResponse, ...args: unknown[]) {
      const headers = args.at(-1) as OutgoingHttpHeaders | undefined;
      const cookies = [headers?.['set-cookie'] ?? response.getHeader('set-cookie') ?? []].flat();
      for (const set of cookies) addCookies(where, String(set).split(';')[0] ?? '');
      return Reflect.apply(writeHead, this, args);
    } as typeof writeHead;
  });
}

/** Cookies of the console are JWTs, which have the secret of the session inside; those of a sign-in are sealed. */
function addCookies(where: string, cookies: string): void {
  for (const [, name, value = ''] of cookies.matchAll(/(__Host-[\w-]+)=([^;\s]*)/g)) {
    secretSearch.add(`cookie ${name} of ${where}`, value);
    const [, claims = ''] = value.split('.');
    const [, sid = ''] = /"sid":"([^"]+)"/.exec(Buffer.from(claims, 'base64url').toString()) ?? [];
    secretSearch.add(`secret of the session ${name} of ${where}`, sid);
  }
}

listenToLog();
listenToServers();
atEndOfFile.add(assertNoSecretFound);
