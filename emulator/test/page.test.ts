import { CreateChatTokenCommand, CreateRoomCommand } from '@aws-sdk/client-ivschat';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeleteStageCommand,
  GetStageCommand,
} from '@aws-sdk/client-ivs-realtime';
import type { Browser, Page } from 'playwright-core';
import type { Emulator, Overview } from '../src/index.ts';
import { describeInBrowser, launchBrowser } from './support/browser.ts';
import { connectWithTokens, type Heard } from './support/chat-room.ts';
import { chat, OTHER_ACCOUNT, realtime, startEmulator } from './support/clients.ts';

const EVIL = '<img src=x onerror="document.title=1">';

let ivs: Emulator;
let open: Heard[];

beforeEach(async () => {
  ivs = await startEmulator({ quotas: 'on' });
  open = [];
});
afterEach(async () => {
  for (const { room } of open) if (room.state !== 'disconnected') room.disconnect();
  await ivs.stop();
});

/**
 * Makes what the page shows: a stage with two participants, a room with a user who has two connections, a stage of
 * another account, a fault and a failed call.
 */
async function fillEmulator(): Promise<{ stageArn: string; roomArn: string }> {
  const stages = realtime(ivs);
  const rooms = chat(ivs);
  const stageArn = (await stages.send(new CreateStageCommand({ name: 'main-stage' }))).stage?.arn ?? '';
  for (const userId of ['ada', EVIL]) {
    const token = await stages.send(new CreateParticipantTokenCommand({ stageArn, userId, capabilities: ['PUBLISH'] }));
    const joined = ivs.join(token.participantToken?.token ?? '');
    if (userId === 'ada') ivs.publish(joined);
  }
  const roomArn = (await rooms.send(new CreateRoomCommand({ name: 'main-room' }))).arn ?? '';
  for (let times = 0; times < 2; times += 1) {
    const { token } = await rooms.send(new CreateChatTokenCommand({ roomIdentifier: roomArn, userId: 'guest' }));
    const heard = connectWithTokens(ivs.chatUrl, async () => token ?? '');
    open.push(heard);
    await heard.connected;
  }
  await realtime(ivs, OTHER_ACCOUNT, 'eu-west-1').send(new CreateStageCommand({ name: 'elsewhere' }));
  ivs.fault({ operation: 'DeleteStage', nth: 1, effect: { error: 'InternalServerException', status: 500 } });
  await stages.send(new DeleteStageCommand({ arn: stageArn })).catch(() => {});
  return { stageArn, roomArn };
}

it('the overview lists stages, rooms, calls, faults and the use of quotas', async () => {
  const { stageArn, roomArn } = await fillEmulator();
  const overview = (await (await fetch(`${ivs.url}/_emulator/overview`)).json()) as Overview;
  expect(overview.stages).toMatchObject({
    total: 2,
    first: [
      {
        arn: stageArn,
        name: 'main-stage',
        account: '111122223333',
        region: 'us-west-2',
        participants: {
          total: 2,
          first: [
            { userId: 'ada', publishing: true },
            { userId: EVIL, publishing: false },
          ],
        },
      },
      { account: '999988887777', region: 'eu-west-1', participants: { total: 0, first: [] } },
    ],
  });
  expect(overview.rooms).toMatchObject({
    total: 1,
    first: [{ arn: roomArn, users: { total: 1, first: [{ userId: 'guest', connections: 2 }] } }],
  });
  expect(overview.rates).toContainEqual(
    expect.objectContaining({ operation: 'CreateParticipantToken', calls: 2, rate: 50, throttled: 0 }),
  );
  expect(overview.counts).toContainEqual(expect.objectContaining({ what: 'stages', used: 1, limit: 1000 }));
  expect(overview.faults).toMatchObject([{ operation: 'DeleteStage', struck: 1 }]);
  expect(overview.calls[0]).toMatchObject({
    operation: 'DeleteStage',
    status: 500,
    error: 'InternalServerException',
    fault: 1,
    account: '111122223333',
  });
  expect(overview.calls[0]).not.toHaveProperty('input');
});

it('the overview counts throttled calls, and no calls of an hour ago', async () => {
  const client = realtime(ivs);
  ivs.setQuotas({ mode: 'strict' });
  const arn = (await client.send(new CreateStageCommand({}))).stage?.arn ?? '';
  const calls = Array.from({ length: 8 }, () => client.send(new GetStageCommand({ arn })));
  const refused = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected').length;
  expect(refused).toBeGreaterThan(0);
  const use = ivs.overview().rates.find(({ operation }) => operation === 'GetStage');
  expect(use).toMatchObject({ calls: 8, rate: 5, throttled: refused });
  ivs.skip(3600);
  expect(ivs.overview().rates).toEqual([]);
});

it('curl gets text, a browser gets the page, and the page can load nothing and cannot be framed', async () => {
  const text = await fetch(ivs.url);
  expect(text.headers.get('content-type')).toContain('text/plain');
  expect(await text.text()).toContain('not AWS');
  const reply = await fetch(ivs.url, { headers: { accept: 'text/html' } });
  expect(reply.headers.get('content-type')).toContain('text/html');
  const policy = reply.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
  const html = await reply.text();
  expect(html).toContain('This is not AWS');
  expect(html).not.toMatch(/(src|href)="(?!data:,")/);
});

describeInBrowser('in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    problems = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterEach(() => page.close());

  it('the page shows the overview, and shows names as text even if they are markup', async () => {
    await fillEmulator();
    await page.goto(ivs.url);
    await page.getByText('This is not AWS.').waitFor();
    const stages = page.getByRole('region', { name: 'Stages' });
    await stages.getByRole('heading', { name: 'main-stage' }).waitFor();
    await stages.getByText('ada · publishing').waitFor();
    await stages.getByText(EVIL).waitFor();
    await page.getByRole('region', { name: 'Chat rooms' }).getByText('guest × 2').waitFor();
    const quotas = page.getByRole('region', { name: 'Quota use' });
    await quotas
      .getByRole('row')
      .filter({ hasText: /^CreateParticipantToken111122223333 us-west-2 \d of 50/ })
      .waitFor();
    await quotas.getByRole('row').filter({ hasText: 'stages999988887777 eu-west-1 1 of 1000' }).waitFor();
    const fault = page
      .getByRole('region', { name: 'Armed faults' })
      .getByRole('row')
      .filter({ hasText: 'DeleteStage' });
    expect(await fault.innerText()).toMatch(/nth 1\s+error InternalServerException, status 500/);
    const call = page.getByRole('region', { name: 'Last calls' }).getByRole('row').filter({ hasText: 'DeleteStage' });
    expect(await call.innerText()).toMatch(
      /111122223333 us-west-2\s+500\s+[\d.]+ ms\s+InternalServerException, fault 1/,
    );
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('IVS emulator (not AWS)');
    expect(problems).toEqual([]);
  });

  it('the page refreshes itself, and says when the emulator does not answer', async () => {
    await page.goto(ivs.url);
    await page.getByText('No stage yet').waitFor();
    await realtime(ivs).send(new CreateStageCommand({ name: 'new-stage' }));
    await page.getByRole('heading', { name: 'new-stage' }).waitFor();
    await ivs.stop();
    await page.getByText('the emulator does not answer').waitFor();
  });

  it.each([
    ['a phone', 360, 'light' as const],
    ['a desktop', 1280, 'dark' as const],
  ])('the page fits the width of %s', async (_what, width, colorScheme) => {
    await fillEmulator();
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    await page.goto(ivs.url);
    await page.getByText('InternalServerException').first().waitFor();
    const scrollWidth = await page.evaluate<number>('document.documentElement.scrollWidth');
    const background = await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    expect(scrollWidth).toBeLessThanOrEqual(width);
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(20, 21, 24)' : 'rgb(250, 250, 248)');
    const shots = process.env['SCREENSHOTS'];
    if (shots) await page.screenshot({ path: `${shots}/page-${width}.png`, fullPage: true });
  });
});
