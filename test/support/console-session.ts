import type { Answer, HttpClient, RequestOptions } from './stagedoor.ts';

/** A browser that is signed in to the console: it keeps the cookie, and sends what the pages of the console send. */
export class TestSession {
  private constructor(
    private readonly service: HttpClient,
    public cookie: string,
    readonly csrfToken: string,
  ) {}

  static async signIn(service: HttpClient, credential: string): Promise<TestSession> {
    const answer = await service.request('POST', '/console/session', { body: { credential } });
    if (answer.status !== 204) throw new Error(`expected 204, got ${answer.status}: ${answer.text}`);
    return await TestSession.with(service, cookieOf(answer) ?? '');
  }

  /** The browser that has this cookie. */
  static async with(service: HttpClient, cookie: string): Promise<TestSession> {
    const session = await service.expect(200, service.request('GET', '/console/session', { headers: { cookie } }));
    return new TestSession(service, cookie, session['csrfToken'] as string);
  }

  /** The token in the cookie: a JWT. */
  get token(): string {
    return this.cookie.slice(this.cookie.indexOf('=') + 1);
  }

  /** The headers of a write. */
  get headers(): Record<string, string> {
    return { cookie: this.cookie, origin: this.service.url, 'x-stagedoor-csrf': this.csrfToken };
  }

  /** @param options `headers` replace those that the pages send; a header with an empty text is left out. */
  async request(method: string, path: string, { headers, ...options }: RequestOptions = {}): Promise<Answer> {
    const all = Object.entries({ ...this.headers, ...headers }).filter(([, value]) => value !== '');
    return await this.service.request(method, path, { ...options, headers: Object.fromEntries(all) });
  }

  async get(path: string): Promise<Answer> {
    return await this.request('GET', path);
  }
}

/** The name and the value of the cookie that an answer sets; undefined: it sets none. */
export function cookieOf(answer: Answer): string | undefined {
  return answer.headers.get('set-cookie')?.split(';')[0];
}
