/** The hooks of @stagedoor/client/react in Chromium: the real service, the official chat client, the stage of the emulator. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../../emulator/test/support/browser.ts';
import { Site } from '../../../test/support/site.ts';
import { Stagedoor, type TestTenant } from '../../../test/support/stagedoor.ts';
import { until } from '../../../test/support/until.ts';
import { type Counts, countOpenThings } from './page/counts.ts';
import type { Shown, Wish } from './page/main.tsx';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let site: Site;
let folder: string;
let spaceId: string;
let stageArn: string;
let problems: string[];

/** Builds the page of the test. */
async function buildPage(): Promise<string> {
  const out = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-hooks-'));
  const root = path.resolve(import.meta.dirname, '../../..');
  const vite = path.join(root, 'node_modules/vite/bin/vite.js');
  const config = path.join(import.meta.dirname, 'page/vite.config.ts');
  const args = [vite, 'build', path.dirname(config), '--config', config, '--outDir', out, '--logLevel', 'error'];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'development' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`the page was not built: vite ended with ${String(code)}`);
  return out;
}

describeInBrowser('the React hooks', () => {
  beforeAll(async () => {
    [folder, stagedoor, browser] = await Promise.all([buildPage(), Stagedoor.start(), launchBrowser()]);
    tenant = await stagedoor.createTenant();
  });
  afterAll(async () => {
    await browser?.close();
    await stagedoor?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    ({ spaceId, stageArn } = await newSpace());
    site = await Site.start(folder, stagedoor.url, () => ({}));
    context = await browser.newContext();
    await context.addInitScript(countOpenThings);
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterEach(async () => {
    await context?.close();
    await site?.stop();
    expect(problems).toEqual([]);
  });

  async function newSpace() {
    const space = await stagedoor.createSpace(tenant);
    return { spaceId: space['id'] as string, stageArn: space['stage'].arn as string };
  }

  /** Opens the page for a user. */
  async function open(userId: string): Promise<void> {
    const query = new URLSearchParams({ token: await tenant.issuer.token(userId), emulator: stagedoor.ivs.url });
    await page.goto(`${site.url}/?${query}`);
    await page.waitForFunction(() => 'harness' in globalThis);
  }

  const render = (wish: Partial<Wish> = {}) =>
    page.evaluate((wish) => globalThis.harness.render(wish), { spaceId, ...wish });

  /** What the hooks answer now, as text: it is evaluated in the page. */
  const inPage = (look: (shown: Shown, more: string) => unknown, more = '') =>
    `harness.shown && (${look.toString()})(harness.shown, ${JSON.stringify(more)})`;
  /** Waits until the hooks answer what is expected. */
  const shows = (expected: (shown: Shown, more: string) => boolean, more?: string) =>
    page.waitForFunction(inPage(expected, more));
  const shown = <Value>(pick: (shown: Shown) => Value): Promise<Value> => page.evaluate<Value>(inPage(pick));
  const isIn = (shown: Shown) => shown.chat.state === 'connected' && shown.stage.state === 'connected';
  const counts = () => page.evaluate(() => (globalThis as unknown as { counts: () => Counts }).counts());
  const connected = () => stagedoor.ivs.participants(stageArn).filter(({ state }) => state === 'CONNECTED');
  const moderate = (method: string, path: string, body: object) =>
    stagedoor.request(method, path, { as: tenant.key, body });

  it('components of one space share one request, one chat connection and one participant, in strict mode too', async () => {
    await open('ada');
    await render({ components: 3 });
    await shows(isIn);
    await shows(({ stage }) => stage.me !== null);
    expect(site.asked).toEqual([`/v1/spaces/${spaceId}/join`]);
    expect(await counts()).toMatchObject({ sockets: 1, madeSockets: 1 });
    expect(connected()).toMatchObject([{ userId: 'ada', connection: 1 }]);
    expect(stagedoor.ivs.participants(stageArn)).toHaveLength(1);
    expect(await shown(({ me }) => [me.userId, me.role, me.isBanned, me.refusal])).toEqual([
      'ada',
      'viewer',
      false,
      null,
    ]);
    expect(await shown(({ me }) => me.secondsLeft)).toBeGreaterThan(0);
  });

  it('the newest messages are kept, a deleted one disappears, and a message that is not sent says why', async () => {
    await open('ada');
    await render({ keepMessages: 3 });
    await shows(isIn);
    for (const content of ['1', '2', '3', '4', '5'])
      await page.evaluate((content) => globalThis.harness.shown?.chat.send(content), content);
    await shows(({ chat }) => chat.messages.map(({ content }) => content).join('') === '345');
    const id = await shown(({ chat }) => chat.messages[1]?.id ?? '');
    await stagedoor.post(`/v1/spaces/${spaceId}/messages/${id}/delete`, tenant.key, {});
    await shows(({ chat }) => chat.messages.map(({ content }) => content).join('') === '35');
    const failure = (content: string) =>
      page.evaluate(
        (content) =>
          globalThis.harness.shown?.chat.send(content).then(
            () => null,
            (error: { name: string; code: number; message: string }) => [error.name, error.code, error.message],
          ),
        content,
      );
    expect(await failure('x'.repeat(501))).toEqual(['ChatSendError', expect.any(Number), expect.any(String)]);
    stagedoor.ivs.fault({ operation: 'SEND_MESSAGE', effect: { hang: true }, count: 1 });
    const lost = failure('lost');
    await until(() => stagedoor.ivs.faults.some(({ struck }) => struck === 1), 'the message is on its way');
    stagedoor.ivs.clearFaults();
    await page.evaluate(() => globalThis.harness.unmount());
    expect(await lost).toEqual(['ChatSendError', 0, expect.stringContaining('The connection was lost')]);
  });

  it('another space and another client end what was before, and so does unmounting', async () => {
    await open('ada');
    await render();
    await shows(isIn);
    const before = stageArn;
    const other = await newSpace();
    await render({ spaceId: other.spaceId });
    await shows(
      (shown, spaceId) => shown.chat.state === 'connected' && shown.space.space?.id === spaceId,
      other.spaceId,
    );
    await shows(isIn);
    await until(() => stagedoor.ivs.participants(before).every(({ state }) => state === 'DISCONNECTED'), 'ada left');
    await until(() => stagedoor.ivs.chatConnections().length === 1, 'one chat connection is left');
    await page.evaluate(() => globalThis.harness.changeClient());
    await render({ spaceId: other.spaceId });
    await until(() => stagedoor.ivs.participants(other.stageArn).length === 2, 'the other client joins');
    await shows(isIn);
    expect(await counts()).toMatchObject({ sockets: 1 });
    await page.evaluate(() => globalThis.harness.unmount());
    await until(() => stagedoor.ivs.chatConnections().length === 0, 'the chat is left');
    await until(
      () => stagedoor.ivs.participants(other.stageArn).every(({ state }) => state === 'DISCONNECTED'),
      'the stage is left',
    );
  });

  it('a changed role, a kick, a ban and its end reach a page that stays open', async () => {
    await open('bob');
    await render({ publishes: true });
    await shows(isIn);
    expect(connected()).toMatchObject([{ publishing: false }]);

    await moderate('POST', `/v1/spaces/${spaceId}/users/bob/role`, { role: 'speaker' });
    await shows(({ me, stage }) => me.role === 'speaker' && stage.me?.isPublishing === true);
    await until(() => connected().length === 1, 'bob is on the stage once');
    expect(connected()).toMatchObject([{ publishing: true, capabilities: { publish: true } }]);

    await moderate('POST', `/v1/spaces/${spaceId}/users/bob/disconnect`, {});
    await shows(({ chat, stage }) => chat.state === 'removed' && stage.state === 'left');
    expect(await shown(({ stage }) => stage.leftReason)).toBe('participant-disconnected');
    expect(connected()).toEqual([]);
    await page.evaluate(() => {
      globalThis.harness.shown?.chat.rejoin();
      globalThis.harness.shown?.stage.join();
    });
    await shows(isIn);

    const { body } = await moderate('POST', '/v1/bans', { userId: 'bob', spaceId, reason: 'Shouting' });
    await shows(({ me, chat, stage }) => me.isBanned && chat.state === 'refused' && stage.state === 'refused');
    expect(await shown(({ me }) => [me.role, me.secondsLeft, me.refusal?.reason, me.refusal?.advice])).toEqual([
      null,
      null,
      'Shouting',
      'Ask a moderator to lift the ban.',
    ]);
    const asked = site.asked.length;
    await moderate('DELETE', `/v1/bans/${body['ban'].id}`, {});
    // Nobody asks by themselves after a final answer.
    expect(site.asked).toHaveLength(asked);
    await page.evaluate(() => globalThis.harness.shown?.space.retry());
    await shows(isIn);
    expect(await shown(({ me }) => [me.role, me.isBanned])).toEqual(['speaker', false]);
    expect(connected()).toMatchObject([{ userId: 'bob' }]);
  });

  it('somebody who is banned before they come gets the reason, and comes in after the ban', async () => {
    const { body } = await moderate('POST', '/v1/bans', { userId: 'eve', spaceId, reason: 'Spam' });
    await open('eve');
    await render();
    await shows(({ me, chat, stage }) => me.isBanned && chat.state === 'refused' && stage.state === 'refused');
    expect(site.asked).toHaveLength(1);
    await moderate('DELETE', `/v1/bans/${body['ban'].id}`, {});
    await page.evaluate(() => globalThis.harness.shown?.chat.rejoin());
    await shows(isIn);
  });

  it('a refusal that concerns the stage leaves the chat connected, and coming back does not disturb it', async () => {
    await open('kim');
    await render();
    await shows(isIn);
    await moderate('PATCH', `/v1/spaces/${spaceId}`, { status: 'closed' });
    const { participantId } = connected()[0] ?? {};
    await moderate('POST', `/v1/spaces/${spaceId}/participants/${participantId}/disconnect`, {});
    await shows(
      ({ me, chat, stage }) =>
        me.refusal?.type === 'space_closed' && stage.state === 'refused' && chat.state === 'connected',
    );
    await moderate('PATCH', `/v1/spaces/${spaceId}`, { status: 'open' });
    await page.evaluate(() => globalThis.harness.shown?.space.retry());
    await shows(isIn);
    expect(await counts()).toMatchObject({ sockets: 1, madeSockets: 1 });
  });

  it('a thousand mounts leave no socket, no timer, no listener and no participant', async () => {
    await open('ada');
    const session = await context.newCDPSession(page);
    const churn = (times: number) =>
      page.evaluate(([wish, times]) => globalThis.harness.churn(wish, times), [{ spaceId }, times] as const);
    const heap = async () => {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize;
    };
    const isQuiet = async () => {
      const { sockets, timers } = await counts();
      return sockets === 0 && timers === 0 && stagedoor.ivs.chatConnections().length === 0;
    };
    await churn(100); // what React and the browser make once is there
    await until(isQuiet, 'everything has ended');
    const before = { ...(await counts()), heap: await heap() };
    for (let part = 0; part < 4; part++) {
      await churn(225);
      // Some come all the way in, with a client that may still ask.
      await page.evaluate(() => globalThis.harness.changeClient());
      await render();
      await shows(isIn);
      await page.evaluate(() => globalThis.harness.unmount());
    }
    await until(isQuiet, 'everything has ended');
    const after = { ...(await counts()), heap: await heap() };
    expect(after).toMatchObject({ sockets: 0, timers: 0, listeners: before.listeners });
    await until(() => connected().length === 0, 'nobody is on the stage');
    // A leak of one component each time would be some ten kilobytes a mount.
    expect(after.heap - before.heap).toBeLessThan(2_000_000);
  });
});
