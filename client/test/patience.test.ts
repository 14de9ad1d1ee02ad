/** When the client asks, and when it does not, in virtual time. */
import type { Refusal, SpaceSnapshot } from '../src/index.ts';
import { joined, playService, PlayedBrowser, problem, spaceId } from './support.ts';

let browser: PlayedBrowser;

beforeEach(() => {
  jest.useFakeTimers();
  browser = new PlayedBrowser();
});
afterEach(() => {
  browser.restore();
  jest.useRealTimers();
});

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('one request for all', () => {
  it('ten callers of join cost one request, and so do ten calls of a token provider', async () => {
    const { stagedoor, asked } = playService();
    await Promise.all(Array.from({ length: 10 }, () => stagedoor.join(spaceId)));
    expect(asked).toHaveLength(1);
    await Promise.all(Array.from({ length: 10 }, () => stagedoor.chatTokenProvider(spaceId)()));
    expect(asked).toHaveLength(2);
  });

  it('a chat room and a stage that start together cost one request', async () => {
    const { stagedoor, asked } = playService();
    const stage = stagedoor.stageTokenSource(spaceId);
    const [token, chat] = await Promise.all([stage.token(), stagedoor.chatTokenProvider(spaceId)()]);
    expect(asked.map(({ body }) => body)).toEqual([{ stage: true, chat: true }]);
    expect(token).toMatch(/^stage-/);
    expect(chat).toEqual({ token: expect.stringMatching(/^chat-/), sessionExpirationTime: expect.any(Date) });
  });

  it('a half that the request under way does not bring is asked for after it', async () => {
    let send = (_: Response) => {};
    const { stagedoor, asked, answers } = playService(() => new Promise((resolve) => (send = resolve)));
    const chat = stagedoor.chatTokenProvider(spaceId)();
    await pass(0);
    const stage = stagedoor.stageTokenSource(spaceId).token();
    await pass(0);
    expect(asked).toHaveLength(1);
    answers(joined);
    send(joined(asked[0]!));
    await Promise.all([chat, stage]);
    expect(asked.map(({ body }) => [body.stage, body.chat])).toEqual([
      [false, true],
      [true, false],
    ]);
  });

  it('names the tenant if it is told which', async () => {
    const named = playService(joined, { tenant: 'acme' });
    const plain = playService();
    for (const { stagedoor } of [named, plain]) await stagedoor.join(spaceId);
    expect([...named.asked, ...plain.asked].map(({ tenant }) => tenant)).toEqual(['acme', null]);
  });

  it('joins with other attributes are other requests', async () => {
    const { stagedoor, asked } = playService();
    const names = ['Ada', 'Bea', 'Ada'];
    await Promise.all(names.map((name) => stagedoor.join(spaceId, { attributes: { name } })));
    expect(asked.map(({ body }) => body.attributes)).toEqual([{ name: 'Ada' }, { name: 'Bea' }]);
  });

  it('nothing is asked any more when all callers have given up', async () => {
    browser.goOnline(false);
    const { stagedoor, asked } = playService();
    const leave = new AbortController();
    const joins = [1, 2].map(() => stagedoor.join(spaceId, { signal: leave.signal }));
    const ended = Promise.allSettled(joins);
    await pass(10);
    leave.abort(new Error('left the page'));
    expect(await ended).toEqual([
      { status: 'rejected', reason: new Error('left the page') },
      { status: 'rejected', reason: new Error('left the page') },
    ]);
    browser.goOnline(true);
    await pass(60_000);
    expect(asked).toEqual([]);
  });
});

describe('failures that pass', () => {
  it('two minutes of a flapping network and of impatient callers cost at most 24 requests', async () => {
    let isBroken = false;
    const { stagedoor, asked } = playService((request) => {
      if (isBroken) throw new TypeError('network');
      return joined(request);
    });
    // The official chat client calls its provider four times without a pause, whenever it fails.
    const provider = stagedoor.chatTokenProvider(spaceId);
    const impatient = () => {
      void stagedoor.join(spaceId).catch(() => {});
      void provider().catch(() => {});
      void stagedoor
        .stageTokenSource(spaceId)
        .token()
        .catch(() => {});
      stagedoor.retry();
    };
    // Four minutes, so that there are two minutes after the burst at the beginning too.
    for (let quarter = 0; quarter < 4 * 60 * 4; quarter++) {
      isBroken = quarter % 7 < 4;
      if (quarter % 3 === 0) browser.goOnline(quarter % 2 === 0);
      browser.tell('visibilitychange');
      impatient();
      await pass(250);
    }
    const times = asked.map(({ at }) => at);
    const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 120_000).length));
    expect(most).toBeLessThanOrEqual(24);
    // It does not just do nothing.
    expect(most).toBeGreaterThan(10);
  });

  it('comes again by itself, later each time, and no sooner than Retry-After says', async () => {
    const { stagedoor, asked, answers } = playService(() => problem(503, 'unavailable', {}, { 'retry-after': '20' }));
    const answer = stagedoor.join(spaceId);
    await pass(0);
    expect(stagedoor.space(spaceId).getSnapshot()).toMatchObject({
      status: 'waiting',
      waiting: { problem: { code: 'unavailable', retryAfterSeconds: 20, requestId: 'r-1', status: 503 } },
    });
    // Neither the network nor a wake-up is a reason to come sooner.
    browser.goOnline(true);
    await pass(19_900);
    expect(asked).toHaveLength(1);
    await pass(6_000);
    expect(asked).toHaveLength(2);
    answers(() => problem(500, 'internal'));
    await pass(10 * 60_000);
    const gaps = asked.slice(2).map(({ at }, index) => at - asked[index + 1]!.at);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(61_000);
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.length).toBeLessThan(30);
    answers(joined);
    await pass(61_000);
    expect((await answer).role).toBe('viewer');
    expect(stagedoor.space(spaceId).getSnapshot()).toMatchObject({ status: 'admitted', waiting: null, problem: null });
  });

  it('waits while it is offline, and comes at once when the network is back', async () => {
    browser.goOnline(false);
    const { stagedoor, asked } = playService();
    const answer = stagedoor.join(spaceId);
    await pass(30_000);
    expect(asked).toEqual([]);
    expect(stagedoor.space(spaceId).getSnapshot()).toMatchObject({ status: 'waiting', waiting: { until: null } });
    browser.goOnline(true);
    await pass(0);
    expect((await answer).userId).toBe('ada');
  });

  it('tries once a minute all the same, because browsers err about being offline', async () => {
    browser.goOnline(false);
    const { stagedoor, asked } = playService();
    void stagedoor.join(spaceId);
    await pass(61_000);
    expect(asked).toHaveLength(1);
  });

  it('cuts its pause short when the network comes back after a request without an answer', async () => {
    const { stagedoor, asked, answers } = playService(() => {
      throw new TypeError('network');
    });
    void stagedoor.join(spaceId);
    await pass(0);
    answers(joined);
    browser.goOnline(true);
    await pass(0);
    expect(asked).toHaveLength(2);
  });

  it('gives up an attempt that gets no answer, and makes another one', async () => {
    const { stagedoor, asked } = playService(joined, {
      fetch: (_, init) => {
        asked.push({ at: Date.now(), path: '', jwt: null, body: {} });
        return new Promise((_resolve, reject) =>
          init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
        );
      },
    });
    void stagedoor.join(spaceId);
    await pass(20_000);
    expect(asked).toHaveLength(2);
  });

  it('takes what is no answer of Stagedoor for a passing failure, not for a final one', async () => {
    const { stagedoor, answers, asked } = playService(() => new Response('<h1>Forbidden</h1>', { status: 403 }));
    const answer = stagedoor.join(spaceId);
    await pass(0);
    expect(stagedoor.space(spaceId).getSnapshot().waiting?.problem).toMatchObject({
      code: 'unexpected_answer',
      status: 403,
    });
    answers(() => new Response('<h1>Accept our terms</h1>'));
    await pass(5_000);
    answers(joined);
    await pass(10_000);
    expect((await answer).role).toBe('viewer');
    expect(asked.length).toBeGreaterThanOrEqual(3);
  });

  it('tells an error that is neither final nor passing at once, and holds it for five seconds', async () => {
    const { stagedoor, asked, answers } = playService(() => problem(409, 'space_full'));
    for (let call = 0; call < 4; call++) {
      await expect(stagedoor.chatTokenProvider(spaceId)()).rejects.toMatchObject({ code: 'space_full', status: 409 });
    }
    expect(asked).toHaveLength(1);
    answers(joined);
    await pass(5_000);
    await stagedoor.chatTokenProvider(spaceId)();
    expect(asked).toHaveLength(2);
  });

  it('asks no more for a half that there is not', async () => {
    const { stagedoor, asked } = playService((request) => joined(request, { chat: null }));
    for (let call = 0; call < 4; call++) {
      await expect(stagedoor.chatTokenProvider(spaceId)()).rejects.toMatchObject({ code: 'no_chat' });
    }
    expect(asked).toHaveLength(1);
  });
});

describe('final answers', () => {
  it.each([
    ['banned', 403, { until: '2030-01-01T00:00:00.000Z', reason: 'spam' }],
    ['space_closed', 409, {}],
    ['forbidden', 403, {}],
    ['not_found', 404, {}],
  ] as const)('%s stops everything in the space until retry()', async (code, status, more) => {
    const { stagedoor, asked, answers } = playService(() => problem(status, code, more));
    const told: Refusal[] = [];
    stagedoor.on(code, (refusal) => told.push(refusal));
    stagedoor.on('refusal', (refusal) => told.push(refusal));
    const snapshots: SpaceSnapshot[] = [];
    stagedoor.space(spaceId).subscribe(() => snapshots.push(stagedoor.space(spaceId).getSnapshot()));
    await expect(stagedoor.join(spaceId)).rejects.toMatchObject({ code, status, detail: `${code}.` });
    await expect(stagedoor.stageTokenSource(spaceId).token()).rejects.toMatchObject({ code });
    await expect(stagedoor.chatTokenProvider(spaceId)()).rejects.toMatchObject({ code });
    await pass(10 * 60_000);
    expect(asked).toHaveLength(1);
    expect(told).toHaveLength(2);
    const refusal = told[0]!;
    expect(refusal).toMatchObject({ type: code, spaceId, problem: { code } });
    expect(refusal.advice).toMatch(/^[A-Z].+\.$/);
    if (code === 'banned') expect(refusal).toMatchObject({ until: new Date('2030-01-01'), reason: 'spam' });
    expect(snapshots.at(-1)).toMatchObject({ status: 'refused', refusal, role: null });

    answers(joined);
    stagedoor.space(spaceId).retry();
    expect((await stagedoor.join(spaceId)).role).toBe('viewer');
    expect(stagedoor.space(spaceId).getSnapshot()).toMatchObject({ status: 'admitted', refusal: null });
  });

  it('a refusal in one space leaves other spaces alone', async () => {
    const { stagedoor } = playService((request) =>
      request.path.includes(spaceId) ? problem(403, 'banned') : joined(request),
    );
    await expect(stagedoor.join(spaceId)).rejects.toMatchObject({ code: 'banned' });
    expect((await stagedoor.join('spc_other')).role).toBe('viewer');
  });

  it('a refused JWT is renewed once; if the new one is refused too, every space stops until retry()', async () => {
    const renewals: boolean[] = [];
    const { stagedoor, asked, answers } = playService(() => problem(401, 'unauthenticated'), {
      getUserToken: ({ isRenewal }) => {
        renewals.push(isRenewal);
        return `jwt-${renewals.length}`;
      },
    });
    const told: Refusal[] = [];
    stagedoor.on('unauthenticated', (refusal) => told.push(refusal));
    const other = stagedoor.space('spc_other');
    await expect(stagedoor.join(spaceId)).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(renewals).toEqual([false, true]);
    expect(asked.map(({ jwt }) => jwt)).toEqual(['Bearer jwt-1', 'Bearer jwt-2']);
    expect(told).toEqual([expect.objectContaining({ type: 'unauthenticated', spaceId: null })]);
    expect(other.getSnapshot().status).toBe('refused');
    await expect(stagedoor.join('spc_other')).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(stagedoor.join('spc_new')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(asked).toHaveLength(2);

    answers(joined);
    stagedoor.retry();
    await stagedoor.join(spaceId);
    await stagedoor.join('spc_new');
    expect(asked).toHaveLength(4);
  });

  it('a renewed JWT that is accepted lets the user in', async () => {
    const { stagedoor } = playService(
      (request) => (request.jwt === 'Bearer new' ? joined(request) : problem(401, 'unauthenticated')),
      { getUserToken: ({ isRenewal }) => (isRenewal ? 'new' : 'old') },
    );
    expect((await stagedoor.join(spaceId)).userId).toBe('ada');
  });

  it('asks the service nothing for somebody who is not signed in', async () => {
    const { stagedoor, asked } = playService(joined, { getUserToken: () => null });
    await expect(stagedoor.join(spaceId)).rejects.toMatchObject({ code: 'unauthenticated', status: 0 });
    expect(asked).toEqual([]);
  });

  it('asks again later if getUserToken fails', async () => {
    let failures = 2;
    const { stagedoor, asked } = playService(joined, {
      getUserToken: () => {
        if (failures-- > 0) throw new Error('the identity provider is away');
        return 'jwt';
      },
    });
    const answer = stagedoor.join(spaceId);
    await pass(10_000);
    expect((await answer).role).toBe('viewer');
    expect(asked).toHaveLength(1);
  });
});
