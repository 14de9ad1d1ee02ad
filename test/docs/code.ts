/** Samples in TypeScript, Swift and Kotlin: how they are checked and run. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Sample } from './samples.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What the pages say that the reader has. */
const given = `const url: string = process.env['STAGEDOOR'] ?? '';
const spaceId: string = process.env['SPACE'] ?? '';
const getUserToken = async () => process.env['USER_TOKEN'] ?? null;
`;

/** What is put behind a sample of a kind, so that it does something that can be seen, and ends. */
const goesOn: Record<string, string> = {
  'ts chat': `
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
room.addListener('message', () => setTimeout(() => process.exit(0)));
room.addListener('connect', () => void room.sendMessage(new SendMessageRequest('Hello')));
`,
  'ts refused': 'process.exit(0);\n',
  'ts signs': "console.log(await tokenFor('alice', 'host'));\n",
  'ts compiled': '',
  'tsx compiled': '',
  'tsx sample': '',
};

export const kindsOfCode = Object.keys(goesOn);

/** Files of samples. They stand in the project, so that they find its packages. */
export class CodeSamples {
  private readonly folder: string;

  constructor() {
    mkdirSync(path.join(root, '.cache'), { recursive: true });
    this.folder = mkdtempSync(path.join(root, '.cache/docs-samples-'));
  }

  private fileOf({ at, kind, text }: Sample): string {
    // Other samples import this one by its name.
    const name = kind === 'tsx sample' ? 'App' : at.replaceAll(/\W+/g, '-');
    const file = path.join(this.folder, `${name}.${kind.split(' ')[0]}`);
    writeFileSync(file, `${/\burl\b/.test(text) ? given : ''}${text}\n${goesOn[kind]}export {};\n`);
    return file;
  }

  /** Checks the types of samples. Throws with what the compiler says. */
  async compile(samples: Sample[]): Promise<void> {
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        lib: ['es2024', 'esnext.disposable', 'dom', 'dom.iterable'],
        jsx: 'react-jsx',
        types: ['node'],
        noUnusedLocals: false,
      },
      files: samples.map((sample) => this.fileOf(sample)),
      include: [],
    };
    const file = path.join(this.folder, 'tsconfig.json');
    writeFileSync(file, JSON.stringify(config));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', file]).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  }

  /** Runs a sample in Node. Returns what it printed. */
  async run(sample: Sample, env: Record<string, string>): Promise<string> {
    const args = ['--disable-warning=ExperimentalWarning', this.fileOf(sample)];
    return (await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })).stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A request, as a sample shows it: the names of what the reader has stand in braces. */
interface ShownRequest {
  method: string;
  path: string;
  headers: string[];
  body: string;
}

/** The request of a sample for curl. */
export function requestOfCurl(text: string): ShownRequest {
  const named = text.replaceAll('$SPACE', '{spaceId}').replaceAll('$ALICE', '{userToken}');
  return {
    method: /-X (\w+)/.exec(named)?.[1] ?? 'GET',
    path: /"\$STAGEDOOR([^"]*)"/.exec(named)?.[1] ?? '',
    headers: [...named.matchAll(/-H (["'])(.*?)\1/g)].map((match) => match[2] ?? ''),
    body: /-d '([^']*)'/.exec(named)?.[1] ?? '',
  };
}

/** The lines that a sample in each language may have. Groups: method, path, header, its value, body. */
const lines: Record<string, RegExp[]> = {
  swift: [
    /^var request = URLRequest\(url: URL\(string: "\\\(stagedoor\)(?<path>[^"]*)"\)!\)$/,
    /^request\.httpMethod = "(?<method>\w+)"$/,
    /^request\.setValue\("(?<value>[^"]*)", forHTTPHeaderField: "(?<header>[^"]*)"\)$/,
    /^request\.httpBody = Data\(#"(?<body>.*)"#\.utf8\)$/,
    /^let \(data, response\) = try await URLSession\.shared\.data\(for: request\)$/,
  ],
  kotlin: [
    /^val request = Request\.Builder\(\)$/,
    /^\.url\("\$stagedoor(?<path>[^"]*)"\)$/,
    /^\.header\("(?<header>[^"]*)", "(?<value>[^"]*)"\)$/,
    /^\.method\("(?<method>\w+)", (?:""")?(?<body>[^"].*[^"]|"")(?:""")?\.toRequestBody\(\)\)$/,
    /^\.build\(\)$/,
    /^val response = OkHttpClient\(\)\.newCall\(request\)\.execute\(\)$/,
  ],
};

/** The request of a sample in Swift or Kotlin. Throws if the sample has a line of another form. */
export function requestOfPhone({ at, kind, text }: Sample): ShownRequest {
  const request: ShownRequest = { method: 'GET', path: '', headers: [], body: '' };
  for (const line of text.split('\n').map((one) => one.trim())) {
    const known = lines[kind]?.map((form) => form.exec(line)).find((match) => match !== null);
    if (!known) throw new Error(`${at}: nothing checks the line ${line}`);
    const { method, path, header, value, body } = known.groups ?? {};
    if (method !== undefined) request.method = method;
    if (path !== undefined) request.path = withNames(path);
    if (header !== undefined) request.headers.push(`${header}: ${withNames(value ?? '')}`);
    if (body !== undefined) request.body = body === '""' ? '' : body;
  }
  return request;
}

function withNames(text: string): string {
  return text.replaceAll(/\\\((\w+)\)|\$(\w+)/g, (_, swift?: string, kotlin?: string) => `{${swift ?? kotlin}}`);
}
