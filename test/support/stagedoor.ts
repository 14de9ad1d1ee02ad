import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Emulator } from '../../emulator/src/emulator.ts';
import type { EmulatorOptions } from '../../emulator/src/options.ts';
import { createApp } from '../../src/app.ts';
import { Settings } from '../../src/config.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { startEmulator } from './emulator.ts';
import { LocalIssuer } from './local-issuer.ts';
import { secretSearch } from './secret-search.ts';
import { patienceMs, until } from './until.ts';

export type Json = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- tests look into answers freely

/** A database has one, whatever starts with it. */
const masterKey = randomBytes(32).toString('base64');

/** What came back: the status, the headers and the body as JSON (null when there was none). */
export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

export interface RequestOptions {
  /** The bearer credential; none by default. */
  as?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A tenant with a key that may do everything, and an issuer whose people can call. */
export interface TestTenant {
  id: string;
  slug: string;
  key: string;
  issuer: LocalIssuer;
}

/** The shortest time limit within which the service must reach its database, or let a token leave, in milliseconds. */
const shortestLimitMs = 1_000;

/** Talks to a service as a customer does, and to start with as the operator. */
export class HttpClient {
  /** No words: every log is searched for its parts. */
  static readonly operatorToken = '1f7a40c92be85d3360aa94e7d8152bf64c0e9137';

  constructor(
    readonly url: string,
    private readonly comesAgain = true,
  ) {}

  /** A client that takes the first answer, whatever it is: for tests of what the service says when it is too slow. */
  get once(): HttpClient {
    return new HttpClient(this.url, false);
  }

  /**
   * Sends a request, and sends it again when `Retry-After` says so if the machine was too slow for it: then the service
   * answers 503 `unavailable`, but not before one of its time limits is over. A 503 that comes sooner is returned.
   * The request that was answered so may have been carried out: a DELETE that is sent again and finds nothing is done, and one
   * under an Idempotency-Key waits for the first.
   */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const deadline = performance.now() + patienceMs;
    for (let isAgain = false; ; isAgain = true) {
      const began = performance.now();
      const answer = await this.send(method, path, options);
      const { status, body, headers } = answer;
      if (isAgain && method === 'DELETE' && status === 404) return { ...answer, status: 204, body: {}, text: '' };
      const wasTooSlow =
        status === 503 && body['code'] === 'unavailable' && performance.now() - began > shortestLimitMs;
      const firstRuns = isAgain && status === 409 && headers.has('retry-after');
      if (!(wasTooSlow || firstRuns) || !this.comesAgain || performance.now() > deadline) return answer;
      await sleep(Number(headers.get('retry-after')) * 1_000);
    }
  }

  private async send(method: string, path: string, { as, body, headers }: RequestOptions): Promise<Answer> {
    const where = `${method} ${path.split('?')[0]}`;
    if (as !== undefined) secretSearch.add(`credential of ${where}`, as);
    if (body !== undefined && !Buffer.isBuffer(body)) secretSearch.addFrom(where, JSON.stringify(body));
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(as !== undefined && { authorization: `Bearer ${as}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && {
        body: typeof body === 'string' ? body : Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
      }),
    });
    const isStream = response.headers.get('content-type') === 'text/event-stream';
    const text = isStream ? await beginningOf(response) : await response.text();
    secretSearch.addFrom(where, text);
    return { status: response.status, headers: response.headers, body: parse(text), text };
  }

  get(path: string, as?: string): Promise<Answer> {
    return this.request('GET', path, as === undefined ? {} : { as });
  }

  post(path: string, as: string, body?: unknown): Promise<Answer> {
    return this.request('POST', path, { as, ...(body !== undefined && { body }) });
  }

  /** Creates a tenant as the operator does, and its first key and issuer as its administrator does. */
  async createTenant(slug = `t-${randomBytes(5).toString('hex')}`, more: Json = {}): Promise<TestTenant> {
    const { operatorToken } = HttpClient;
    const tenant = await this.expect(201, this.post('/v1/tenants', operatorToken, { slug, name: slug, ...more }));
    const made = await this.expect(
      201,
      this.post(`/v1/tenants/${tenant['id']}/api-keys`, operatorToken, { name: 'test', scopes: ['*'] }),
    );
    const issuer = await LocalIssuer.create(`https://${slug}.example`, 'stagedoor');
    await this.expect(201, this.post('/v1/issuers', made['key'], issuer.registration()));
    return { id: tenant['id'], slug, key: made['key'], issuer };
  }

  /**
   * Creates a space, with both halves unless told otherwise. On a machine that is busy with other work, a call to the emulator
   * can take longer than a call to IVS may. Then this comes again, as the answer says.
   */
  async createSpace(tenant: TestTenant, body: Json = {}): Promise<Json> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const began = performance.now();
      const answer = await this.post('/v1/spaces', tenant.key, { name: 'Main', defaultRole: 'viewer', ...body });
      const wasTooSlow = answer.body['code'] === 'ivs_unavailable' && performance.now() - began > 1_000;
      if (!wasTooSlow || performance.now() > deadline) return await this.expect(201, Promise.resolve(answer));
    }
  }

  /** The body of an answer that must have this status. */
  async expect(status: number, answer: Promise<Answer>): Promise<Json> {
    const got = await answer;
    if (got.status !== status) throw new Error(`expected ${status}, got ${got.status}: ${got.text}`);
    return got.body;
  }
}

/** The whole service as a customer meets it: over HTTP, on a real Postgres, with the IVS emulator behind. */
export class Stagedoor extends HttpClient {
  private closing: Promise<void> | undefined;

  private constructor(
    readonly app: NestFastifyApplication,
    url: string,
    readonly ivs: Emulator,
    readonly database: TestDatabase,
  ) {
    super(url);
  }

  /**
   * @param env settings beside those that every test service has, which may depend on the database.
   * @param emulator how the emulator differs from one without call rates.
   * @param prepared a database that the test has prepared.
   */
  static async start(
    env: Record<string, string> | ((database: TestDatabase) => Record<string, string>) = {},
    emulator: EmulatorOptions = {},
    prepared?: TestDatabase,
  ): Promise<Stagedoor> {
    const [ivs, database] = await Promise.all([startEmulator(emulator), prepared ?? createDatabase()]);
    const more = typeof env === 'function' ? env(database) : env;
    const settings = Settings.from(Stagedoor.environment(ivs, database, more));
    try {
      const app = await started(() => createApp(settings));
      await app.listen(0, '127.0.0.1');
      return new Stagedoor(app, await app.getUrl(), ivs, database);
    } catch (error) {
      await ivs.stop(); // what listens keeps a run of one file from ending
      throw error;
    }
  }

  /** The environment a service needs to run on this database and this emulator. */
  static environment(ivs: Emulator, database: TestDatabase, env: Record<string, string> = {}): Record<string, string> {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
    const all = {
      PORT: '0',
      LOG_LEVEL: 'silent',
      METRICS_PUBLIC: 'true',
      SHUTDOWN_DRAIN_SECONDS: '0',
      DATABASE_URL: database.serviceUrl,
      STAGEDOOR_OPERATOR_TOKEN: Stagedoor.operatorToken,
      STAGEDOOR_MASTER_KEY: masterKey,
      AWS_REGION: 'us-east-1',
      IVS_ENDPOINT: ivs.url,
      JWKS_ALLOW_PRIVATE_ADDRESSES: 'true',
      WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true',
      PRESENCE_LOOK_SECONDS: '0', // tests count the calls to IVS; those of looks ask for them
      ...env,
    };
    for (const [name, value] of Object.entries(all)) {
      if (!/TOKEN|SECRET|MASTER_KEY/.test(name)) continue;
      const secrets = value.split(',').filter((part) => !part.startsWith('arn:')); // the ARN of a key in KMS is none
      for (const secret of secrets) secretSearch.add(name, secret);
    }
    return all;
  }

  /** Stops the service alone: nobody works in its database from then on. */
  async stopService(): Promise<void> {
    this.closing ??= this.app.close();
    await this.closing;
  }

  async stop(): Promise<void> {
    await this.stopService();
    await this.ivs.stop();
    await this.database.drop();
  }
}

/** Whether a service did not start because its database was too slow, as on a machine that is busy with other work. */
export function databaseWasTooSlow(told: unknown): boolean {
  return /cannot be reached:.*timeout/.test(String(told));
}

/** Starts a service, and starts it again if its database was too slow, as an orchestrator does. */
export async function started<App>(start: () => Promise<App>): Promise<App> {
  let app: App | undefined;
  await until(async () => {
    app = await start().catch((error: unknown) => {
      if (!databaseWasTooSlow(error)) throw error;
      return undefined;
    });
    return app !== undefined;
  }, 'the service starts');
  return app as App;
}

/** What a stream says first. Then it is cut. */
async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value as Uint8Array | undefined);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
