/** A service that is played by a function, and a browser around it, for tests in virtual time. */
import { createStagedoor, type JoinResult, type Stagedoor, type StagedoorOptions } from '../src/index.ts';

export const spaceId = 'spc_01jqqqqqqqqqqqqqqqqqqqqqqq';

/** One request that the service got. */
export interface Asked {
  at: number;
  path: string;
  jwt: string | null;
  /** The tenant that the request names. */
  tenant?: string | null;
  body: { stage?: boolean; chat?: boolean; attributes?: Record<string, string>; participantId?: string };
}

export type Answering = (asked: Asked) => Response | Promise<Response>;

let made = 0;

/** The answer to a join, with a stage token that is good for an hour. */
export function joined({ body }: Asked, more: Partial<JoinResult> = {}): Response {
  made += 1;
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
  const answer: JoinResult = {
    space: { id: spaceId, name: 'Main' },
    userId: 'ada',
    role: 'viewer',
    stage: body.stage
      ? {
          grantId: `grt_${made}`,
          token: `stage-${made}`,
          participantId: `p${made}`,
          capabilities: ['SUBSCRIBE'],
          attributes: {},
          expiresAt: inSeconds(3_600),
          mint: 'ivs',
        }
      : null,
    chat: body.chat
      ? {
          grantId: `grt_${made}`,
          token: `chat-${made}`,
          capabilities: ['SEND_MESSAGE'],
          attributes: {},
          connectBefore: inSeconds(60),
          sessionExpiresAt: inSeconds(3_600),
          endpoint: 'wss://edge.example',
        }
      : null,
    ...more,
  };
  return Response.json(answer, { status: 201 });
}

/** A problem document, as the service sends it. */
export function problem(
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): Response {
  const document = { type: `/docs/problems#${code}`, title: code, status, code, detail: `${code}.`, requestId: 'r-1' };
  return Response.json(
    { ...document, ...more },
    { status, headers: { 'content-type': 'application/problem+json', ...headers } },
  );
}

/** A client whose service answers as the test says. `asked` are the requests so far. */
export function playService(
  answering: Answering = joined,
  options: Partial<StagedoorOptions> = {},
): { stagedoor: Stagedoor; asked: Asked[]; answers: (next: Answering) => void } {
  const asked: Asked[] = [];
  let answer = answering;
  const stagedoor = createStagedoor({
    url: 'https://stagedoor.example/',
    getUserToken: () => 'jwt',
    fetch: async (url, init) => {
      const request: Asked = {
        at: Date.now(),
        path: new URL(url as string).pathname,
        jwt: new Headers(init?.headers).get('authorization'),
        tenant: new Headers(init?.headers).get('x-stagedoor-tenant'),
        body: JSON.parse(init?.body as string) as Asked['body'],
      };
      asked.push(request);
      return await answer(request);
    },
    ...options,
  });
  return { stagedoor, asked, answers: (next) => (answer = next) };
}

/** Puts the parts of a browser that the client looks at around a test. */
export class PlayedBrowser {
  private readonly events = new EventTarget();
  private readonly before = ['navigator', 'addEventListener', 'removeEventListener'].map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  private onLine = true;

  constructor() {
    const define = (name: string, get: () => unknown) =>
      Object.defineProperty(globalThis, name, { get, configurable: true });
    define('navigator', () => ({ onLine: this.onLine }));
    define('addEventListener', () => this.events.addEventListener.bind(this.events));
    define('removeEventListener', () => this.events.removeEventListener.bind(this.events));
  }

  goOnline(onLine: boolean): void {
    this.onLine = onLine;
    this.tell(onLine ? 'online' : 'offline');
  }

  tell(event: string): void {
    this.events.dispatchEvent(new Event(event));
  }

  restore(): void {
    for (const [name, descriptor] of this.before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else Reflect.deleteProperty(globalThis, name);
    }
  }
}
