/** The sample application of samples/react, as it is built, in Chromium: on the real service, with the IVS emulator behind. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { barriers } from '../support/axe.ts';
import { build } from '../support/shared.ts';
import { Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

const dist = path.resolve(import.meta.dirname, '../../samples/react/dist');

let stagedoor: Stagedoor;
let tenant: TestTenant;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let site: Site;
let spaceId: string;
let problems: string[];

describeInBrowser('samples/react', () => {
  beforeAll(async () => {
    await build();
    [stagedoor, browser] = await Promise.all([Stagedoor.start(), launchBrowser()]);
    tenant = await stagedoor.createTenant();
  });
  afterAll(async () => {
    await browser?.close();
    await stagedoor?.stop();
  });

  beforeEach(async () => {
    spaceId = (await stagedoor.createSpace(tenant))['id'];
    await stagedoor.request('PUT', `/v1/spaces/${spaceId}/members/alice`, { as: tenant.key, body: { role: 'host' } });
    const users = async () =>
      await Promise.all(
        ['Alice', 'Bob'].map(async (name) => {
          const userId = name.toLowerCase();
          return { userId, name, token: await tenant.issuer.token(userId, { name }) };
        }),
      );
    site = await Site.start(dist, stagedoor.url, async () => ({
      spaceId,
      emulator: stagedoor.ivs.url,
      users: await users(),
    }));
    context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
  });
  afterEach(async () => {
    await context?.close();
    await site?.stop();
  });

  it('the part that every app needs has fewer than twenty lines, and lets two browsers talk', async () => {
    const source = readFileSync(path.join(dist, '../src/App.tsx'), 'utf8');
    expect(source.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('/**')).length).toBeLessThan(20);
    const other = await context.newPage();
    await page.goto(`${site.url}/?user=alice`);
    await other.goto(`${site.url}/?user=bob`);
    for (const one of [page, other]) await one.locator('video').nth(1).waitFor({ state: 'attached' });
    await until(() => stagedoor.ivs.chatConnections().length === 2, 'both are in the chat');
    await page.getByLabel('Message', { exact: true }).fill('Hello Bob');
    await page.getByLabel('Message', { exact: true }).press('Enter');
    await other.getByText('alice: Hello Bob').waitFor();
    await stagedoor.post('/v1/bans', tenant.key, { userId: 'bob', spaceId });
    await other.getByRole('alert').getByText('You are banned; only a moderator can lift this.').waitFor();
    expect(problems).toEqual([]);
  });

  const pane = (name: string) => page.getByRole('region', { name, exact: true });
  const button = (name: string, label: string) => pane(name).getByRole('button', { name: label, exact: true });

  /** At desktop and at phone width. */
  async function isAccessible(): Promise<void> {
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await barriers(page)).toEqual([]);
    }
  }

  /** For a look at the page: with the folder SCREENSHOTS set. */
  async function shoot(name: string): Promise<void> {
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'light'],
      [390, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({
        path: `${process.env['SCREENSHOTS']}/${name}-${width}-${colorScheme}.png`,
        fullPage: true,
      });
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  }

  async function bothAreIn(): Promise<void> {
    await page.goto(site.url);
    for (const name of ['Alice', 'Bob']) {
      await button(name, 'Leave the stage').waitFor();
      await pane(name).getByPlaceholder('Write a message').waitFor();
      await pane(name).getByRole('listitem').filter({ hasText: 'Bob' }).first().waitFor();
    }
  }

  it('two users chat and see who is on the stage', async () => {
    await bothAreIn();
    const input = pane('Alice').getByLabel('Message', { exact: true });
    await input.fill('Hello Bob');
    await input.press('Enter');
    await pane('Bob').getByRole('log').getByText('Hello Bob').waitFor();
    await button('Alice', 'Publish').click();
    await pane('Bob').getByRole('listitem').filter({ hasText: 'Alice' }).getByText('publishes').waitFor();
    await button('Alice', 'Mute').click();
    await pane('Bob').getByRole('listitem').filter({ hasText: 'Alice' }).getByText('muted').waitFor();
    expect(problems).toEqual([]);
    if (process.env['SCREENSHOTS']) await shoot('sample');
    await isAccessible();
  });

  it('a moderator deletes, invites, kicks, bans, lifts and freezes, and sees how long each act took', async () => {
    await bothAreIn();
    const act = async (group: string, label: string, told: RegExp) => {
      await page
        .getByRole('group', { name: group, exact: true })
        .getByRole('button', { name: label, exact: true })
        .click();
      await page.getByRole('list', { name: 'Acts' }).getByRole('listitem').first().filter({ hasText: told }).waitFor();
    };
    const input = pane('Bob').getByLabel('Message', { exact: true });
    await input.fill('Nonsense');
    await input.press('Enter');
    await pane('Alice').getByRole('button', { name: 'Delete “Nonsense”' }).click();
    await pane('Bob').getByText('No messages yet.').waitFor();

    await act('Bob', 'Invite to speak', /Make bob a speaker/);
    await button('Bob', 'Publish').click();
    await pane('Alice').getByRole('listitem').filter({ hasText: 'Bob' }).getByText('publishes').waitFor();

    await act('Bob', 'Kick', /Kick bob silent after \d+\.\d\d s/);
    await button('Bob', 'Join again').click();
    await button('Bob', 'Join the stage').click();
    await button('Bob', 'Leave the stage').waitFor();
    await button('Bob', 'Send').and(page.locator(':enabled')).waitFor();

    // In a hurry somebody clicks twice. It is one ban.
    await page
      .getByRole('group', { name: 'Bob', exact: true })
      .getByRole('button', { name: 'Ban', exact: true })
      .dblclick();
    const acts = page.getByRole('list', { name: 'Acts' }).getByRole('listitem');
    await acts
      .first()
      .filter({ hasText: /Ban bob silent after \d+\.\d\d s/ })
      .waitFor();
    const bans = await stagedoor.expect(200, stagedoor.get(`/v1/bans?spaceId=${spaceId}`, tenant.key));
    expect(bans['data']).toHaveLength(1);
    const refused = pane('Bob').getByRole('alert').filter({ hasText: 'You are banned' });
    await refused.getByText('Reason: Shouting').waitFor();
    await refused.getByText('Ask a moderator to lift the ban.').waitFor();
    if (process.env['SCREENSHOTS']) await shoot('banned');
    await isAccessible();
    await act('Bob', 'Lift the ban', /Lift the ban of bob done/);
    await act('Bob', 'Lift the ban', /bob is not banned/);
    await button('Bob', 'Try again').click();
    await button('Bob', 'Leave the stage').waitFor();
    await button('Bob', 'Send').and(page.locator(':enabled')).waitFor();

    await act('The space', 'Freeze', /Freeze the space silent after/);
    await pane('Bob').getByRole('alert').filter({ hasText: 'The space is closed' }).waitFor();
    await act('The space', 'Unfreeze', /Unfreeze the space done/);
    expect(problems).toEqual([]);
  });
});
