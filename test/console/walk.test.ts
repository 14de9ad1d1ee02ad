/** The console in Chromium, as people use it: the built pages on the real service, with the IVS emulator behind. */
import { randomBytes } from 'node:crypto';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { onStage } from '../support/chat.ts';
import { hoard } from '../support/hoard.ts';
import { TestOidcProvider } from '../support/oidc-provider.ts';
import { expectProblem } from '../support/problem.ts';
import { freePort, ServiceProcess } from '../support/service-process.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { look as lookAt, patience, signIn as signInTo, visit } from './support/pages.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let globex: TestTenant;
let space: Json;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];
/** The identity provider of the tenant, in the one test that has one: then people go there and come back. */
let provider: TestOidcProvider | undefined;
/** The address of another replica, in the one test that has one: it is killed there. */
let mortalUrl: string | undefined;
const settings = { STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64') };

describeInBrowser('the console', () => {
  beforeAll(async () => {
    await build();
    [stagedoor, browser] = await Promise.all([Stagedoor.start(settings), launchBrowser()]);
    [acme, globex] = await Promise.all([stagedoor.createTenant('acme'), stagedoor.createTenant('globex')]);
    space = await stagedoor.createSpace(acme, { name: 'Late show', defaultRole: 'speaker' });
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await stagedoor?.stop();
  });

  beforeEach(async () => {
    const mayCall = () => [stagedoor.url, provider?.issuer, mortalUrl].filter((url) => url !== undefined);
    ({ context, page, faults } = await visit(browser, mayCall));
  });
  afterEach(async () => {
    await context?.close();
    // A page asks until it is closed. Until then it may call whom its test let it call.
    provider = mortalUrl = undefined;
    expect(faults).toEqual([]);
  });

  const signIn = (credential: string) => signInTo(page, stagedoor.url, credential);

  async function openSpace(): Promise<void> {
    await page.getByRole('link', { name: 'Late show' }).click();
    await page.getByRole('heading', { name: 'Late show' }).waitFor();
    await live();
  }

  async function live(): Promise<void> {
    await page.locator('[data-connection=live]').waitFor();
  }

  /** Somebody joins, and is on the stage. */
  async function join(userId: string): Promise<void> {
    const joined = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId }));
    stagedoor.ivs.join(joined['stage'].token);
  }

  const section = (name: string) => page.getByRole('region', { name });

  const look = (name: string) => lookAt(page, name);

  it(
    'lets a person in with an API key, and out: a copy of the cookie is refused then',
    async () => {
      await page.goto(`${stagedoor.url}/console/`);
      await page.getByLabel('API key or operator token').fill('sk_acme_wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      expect(await page.getByRole('alert').textContent()).toContain('not an API key');
      await look('sign-in');
      await signIn(acme.key);
      await page.getByRole('link', { name: 'Late show' }).waitFor();
      await live();
      await look('spaces');
      const cookies = await context.cookies();
      expect(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }))).toEqual([
        { name: '__Host-stagedoor', httpOnly: true, secure: true, sameSite: 'Strict' },
      ]);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API key or operator token').waitFor();
      expect(await context.cookies()).toEqual([]);
      const cookie = `__Host-stagedoor=${cookies[0]?.value}`;
      expectProblem(await stagedoor.request('GET', '/v1/spaces', { headers: { cookie } }), 'unauthenticated');
    },
    patience,
  );

  it(
    'lets a person in with the identity provider of their tenant, once they have a role',
    async () => {
      provider = await TestOidcProvider.start();
      try {
        provider.register([{ clientId: 'console', redirectUri: `${stagedoor.url}/console/sign-in/callback` }]);
        const body = { name: 'Acme staff', issuer: provider.issuer, clientId: 'console' };
        const { id } = await stagedoor.expect(201, stagedoor.post('/v1/console-issuers', acme.key, body));
        await page.goto(`${stagedoor.url}/console/?tenant=acme`);
        await page.getByRole('link', { name: 'Sign in with Acme staff' }).waitFor();
        await look('sign-in-ways');
        await page.getByRole('link', { name: 'Sign in with Acme staff' }).click();
        await page.getByText('You have no role of the console.').waitFor();
        const role = { issuerId: id, role: 'viewer' };
        await stagedoor.expect(200, stagedoor.request('PUT', '/v1/console-users/ann', { as: acme.key, body: role }));
        await page.goto(`${stagedoor.url}/console/?tenant=acme`);
        await page.getByRole('link', { name: 'Sign in with Acme staff' }).click();
        await openSpace();
        await page.getByText('viewer', { exact: true }).waitFor();
        expect(await page.getByRole('button', { name: /ban|freeze|disconnect|lift/i }).count()).toBe(0);
      } finally {
        await provider.stop();
      }
    },
    patience,
  );

  it(
    'shows who is there, bans somebody once however often it is clicked, counts until they are silent, and lifts',
    async () => {
      const reasons = { as: acme.key, body: { reasons: ['Spam', 'rude'] } };
      await stagedoor.expect(200, stagedoor.request('PATCH', '/v1/settings', reasons));
      await signIn(acme.key);
      await openSpace();
      await join('mallory');
      await section('On the stage').getByText('mallory', { exact: true }).waitFor();
      await section('Could be in, or get in').getByText('mallory', { exact: true }).waitFor();
      await look('space');

      await section('On the stage').getByRole('button', { name: 'Ban mallory?' }).click();
      const dialog = page.getByRole('dialog', { name: 'Ban mallory?' });
      await dialog.getByText('They get no token for this space').waitFor();
      await dialog.getByLabel('How long').selectOption('for 1 day');
      await dialog.getByText('for 1 day, and are disconnected').waitFor();
      const offered = dialog.locator('datalist option');
      await offered.nth(1).waitFor({ state: 'attached' });
      expect(await offered.evaluateAll((all) => all.map((one) => one.getAttribute('value')))).toEqual(['Spam', 'rude']);
      await dialog.getByLabel('Reason').fill('rude');
      await look('ban');
      await dialog.getByRole('button', { name: 'Ban', exact: true }).dblclick();
      await dialog.waitFor({ state: 'detached' });
      await section('What you did')
        .getByText(/^silent after \d+\.\d s$/)
        .waitFor();
      await section('Bans').getByText('“rude”').waitFor();
      await section('On the stage').getByText('mallory', { exact: true }).waitFor({ state: 'detached' });
      const { data } = await stagedoor.expect(200, stagedoor.get('/v1/bans?userId=mallory', acme.key));
      expect(data).toHaveLength(1);
      expect(data).toMatchObject([{ spaceId: space['id'], reason: 'rude', expiresAt: expect.any(String) }]);
      await look('banned');

      await section('Bans').getByRole('button', { name: 'Lift the ban of mallory?' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Lift', exact: true }).click();
      await section('Bans').getByText('Nobody is banned.').waitFor();
    },
    patience,
  );

  it('disconnects somebody, and bans by the keyboard alone', async () => {
    await signIn(acme.key);
    await openSpace();
    await join('bob');
    await section('On the stage').getByRole('button', { name: 'Disconnect bob?' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true }).click();
    await section('On the stage').getByText('bob', { exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('b');
    await page.getByRole('dialog', { name: 'Ban somebody' }).waitFor();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('How long').focus();
    await page.keyboard.type('other');
    await dialog.getByLabel('User id').focus();
    await page.keyboard.type('عليّ (2)');
    await dialog.getByLabel('How many').fill('');
    expect(await dialog.getByRole('button', { name: 'Ban', exact: true }).isDisabled()).toBe(true);
    await page.keyboard.type('45');
    await dialog.getByText(/^They get no token for this space for 45 minutes/).waitFor();
    await page.keyboard.press('Enter');
    const name = section('Bans').getByText('عليّ (2)');
    await name.waitFor();
    // A name is written from right to left, whatever the language of the page is.
    expect(await name.evaluate((one: unknown) => (globalThis as Json)['getComputedStyle'](one).direction)).toBe('rtl');
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/bans?active=true&limit=1', acme.key));
    const { expiresAt, createdAt } = data[0] as Json;
    expect((Date.parse(expiresAt) - Date.parse(createdAt)) / 60_000).toBeCloseTo(45, 0);
  });

  it(
    'changes a role, revokes tokens, shows each call, and undoes a ban and the closing of the space',
    async () => {
      await signIn(acme.key);
      await openSpace();
      await Promise.all([join('carol'), join('dave')]);
      const more = async (who: string, what: string) => {
        await section('Could be in, or get in')
          .getByRole('button', { name: `More acts on ${who}` })
          .click();
        await page.getByRole('menuitem', { name: what }).click();
        return page.getByRole('dialog');
      };
      const dialog = await more('carol', 'Change role');
      await dialog.getByLabel('Role', { exact: true }).selectOption('viewer');
      await look('role');
      await dialog.getByRole('button', { name: 'Change role' }).click();
      await dialog.waitFor({ state: 'detached' });
      const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/spaces/${space['id']}/members`, acme.key));
      expect(data).toMatchObject([{ userId: 'carol', role: 'viewer' }]);

      await (await more('dave', 'Revoke tokens')).getByRole('button', { name: 'Revoke tokens' }).click();
      await section('On the stage').getByText('dave', { exact: true }).waitFor({ state: 'detached' });
      const did = section('What you did').getByRole('log');
      await did.getByText('Calls to Amazon IVS').first().click();
      await did
        .getByText(/^DisconnectParticipant .+: (under way|done)$/)
        .first()
        .waitFor();

      const act = async (button: string, then: string) => {
        await page.getByRole('button', { name: button, exact: true }).first().click();
        await page.getByRole('dialog').getByRole('button', { name: then, exact: true }).click();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
      };
      // By her id: on a slow machine her tokens have expired by now, so no list has her.
      await page.getByRole('button', { name: 'Ban somebody' }).click();
      await page.getByRole('dialog').getByLabel('User id').fill('carol');
      await page.getByRole('dialog').getByRole('button', { name: 'Ban', exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await section('Bans').getByText('carol', { exact: true }).waitFor();
      await act('Undo: Ban carol', 'Lift');
      await section('Bans').getByText('carol', { exact: true }).waitFor({ state: 'detached' });
      await act('Close', 'Close');
      await page.getByText('closed', { exact: true }).waitFor();
      await act('Undo: Close this space', 'Open');
      await page.getByText('open', { exact: true }).waitFor();
    },
    patience,
  );

  it(
    'says of a person whether they could join and why, and what was done',
    async () => {
      await stagedoor.expect(
        201,
        stagedoor.post('/v1/bans', acme.key, { userId: 'eve/1', spaceId: space['id'], reason: 'spam' }),
      );
      await signIn(acme.key);
      await openSpace();
      await section('Bans').getByRole('link', { name: 'eve/1' }).click();
      await page.getByRole('heading', { name: 'eve/1', exact: true }).waitFor();
      await section('Could they join?').getByText('would be refused').waitFor();
      await section('Could they join?')
        .getByText(/banned in this space/)
        .waitFor();
      await section('All bans').getByText('in force').waitFor();
      await section('History').getByText('ban.create').waitFor();
      await look('person');
      const { data } = await stagedoor.expect(200, stagedoor.get('/v1/bans?userId=eve%2F1', acme.key));
      await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${data[0].id}`, { as: acme.key, body: {} }));
      await section('Could they join?').getByText('would be let in').waitFor();
      await section('All bans').getByText('lifted').waitFor();
      await page.getByRole('link', { name: 'Back to Late show' }).click();
      await page.getByRole('heading', { name: 'Late show' }).waitFor();
    },
    patience,
  );

  it(
    'stops a raid in one act: those who are chosen, pasted and new, each banned once, and no moderator',
    async () => {
      const raided = await stagedoor.createSpace(acme, { name: 'Raided', defaultRole: 'speaker' });
      const raiders = Array.from({ length: 200 }, (_, n) => `raider-${n}`);
      await stagedoor.expect(
        200,
        stagedoor.request('PUT', `/v1/spaces/${raided['id']}/members/mod`, {
          as: acme.key,
          body: { role: 'moderator' },
        }),
      );
      for (const userId of ['mod', ...raiders.slice(0, 3)]) {
        const joined = await stagedoor.expect(
          201,
          stagedoor.post(`/v1/spaces/${raided['id']}/join`, acme.key, { userId }),
        );
        stagedoor.ivs.join(joined['stage'].token);
      }
      await signIn(acme.key);
      await page.getByRole('link', { name: 'Raided' }).click();
      await page.getByRole('checkbox', { name: 'Choose raider-0' }).check();
      await page.getByRole('button', { name: 'Ban 1 chosen' }).click();
      const dialog = page.getByRole('dialog');
      const ids = dialog.getByLabel('User ids, one a line');
      await ids.fill(`${await ids.inputValue()}\n${raiders.slice(3).join('\n')}`);
      await dialog.getByRole('button', { name: 'Add newcomers' }).click();
      await page.getByRole('dialog', { name: 'Ban 200 people' }).waitFor();
      await look('raid');
      // The service takes none at first: nothing is lost, and nobody is banned twice.
      let refused = 0;
      await page.route('**/v1/bans', async (route) => {
        if (route.request().method() !== 'POST' || refused >= 5) return route.continue();
        refused += 1;
        return route.fulfill({ status: 503, headers: { 'retry-after': '0' }, body: '{"code":"unavailable"}' });
      });
      await dialog.getByRole('button', { name: 'Ban', exact: true }).dblclick();
      await dialog.waitFor({ state: 'detached', timeout: patience }); // two hundred acts
      expect(refused).toBe(5);
      await section('What you did').getByText('Ban 200 people').waitFor();
      await section('What you did')
        .getByText(/^silent after \d+\.\d s$/)
        .waitFor();
      const query = `/v1/bans?spaceId=${raided['id']}&active=true&limit=100`;
      const banned: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const list: Json = await stagedoor.expect(
          200,
          stagedoor.get(`${query}${cursor && `&cursor=${cursor}`}`, acme.key),
        );
        banned.push(...(list['data'] as Json[]).map(({ userId }) => userId as string));
        cursor = list['nextCursor'];
      }
      expect(banned.sort()).toEqual(raiders.toSorted());
      expect(onStage(stagedoor, raided['stage'].arn)).toHaveLength(1); // the moderator
    },
    patience,
  );

  it('freezes a space, and thaws it', async () => {
    await signIn(acme.key);
    await openSpace();
    for (const [verb, frozen] of [
      ['Freeze', true],
      ['Unfreeze', false],
    ] as const) {
      await page.getByRole('button', { name: verb, exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await until(
        async () => {
          const { body } = await stagedoor.get(`/v1/spaces/${space['id']}`, acme.key);
          return (body['frozenAt'] !== null) === frozen;
        },
        `the space is ${frozen ? 'frozen' : 'open'}`,
      );
      await page.getByText('frozen', { exact: true }).waitFor({ state: frozen ? 'visible' : 'detached' });
    }
  });

  it('says that the connection is lost, and catches up', async () => {
    await signIn(acme.key);
    await openSpace();
    (stagedoor.app.getHttpServer() as { closeAllConnections(): void }).closeAllConnections();
    await page.locator('[data-connection=lost]').waitFor();
    await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'meanwhile' }));
    await live();
    await section('Bans').getByText('meanwhile').waitFor();
  });

  it(
    'outlives a service that is killed: says so, sends an act until it is taken, and does it once',
    async () => {
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const env = Stagedoor.environment(stagedoor.ivs, stagedoor.database, { ...settings, PORT: String(port) });
      const aws = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', HOST: '127.0.0.1' };
      const start = async () => {
        const one = ServiceProcess.start('dist/main.js', { ...env, ...aws });
        await one.answers(`${url}/health/ready`);
        return one;
      };
      const kill = async (one: ServiceProcess) => {
        one.kill('SIGKILL');
        await one.ended;
      };
      const dialog = page.getByRole('dialog');
      const waits = dialog.getByText('The service does not answer, or cannot take it now.');
      /** Waits until the act is done. If the machine takes so long that the page gives up, somebody tries once more. */
      const isTaken = (verb: string) =>
        until(async () => {
          const gaveUp = (await dialog.getByRole('alert').count()) > 0;
          if (gaveUp) await dialog.getByRole('button', { name: verb, exact: true }).click();
          return (await dialog.count()) === 0;
        }, 'the act is taken');
      const actsOn = async (userId: string) => {
        const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/actions?userId=${userId}`, acme.key));
        return (data as Json[]).map(({ kind }) => kind as string);
      };
      let service = await start();
      try {
        mortalUrl = url;
        await signInTo(page, url, acme.key);
        await openSpace();
        await page.evaluate('globalThis.isTheSamePage = true');
        await join('nina');
        await section('On the stage').getByText('nina', { exact: true }).waitFor();
        await kill(service);
        await page.locator('[data-connection=lost]').waitFor();
        await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'while-away' }));
        await section('On the stage').getByRole('button', { name: 'Disconnect nina?' }).click();
        await dialog.getByRole('button', { name: 'Disconnect', exact: true }).dblclick();
        await waits.waitFor();
        await look('service-away');
        expect(await actsOn('nina')).toEqual([]);
        service = await start();
        await isTaken('Disconnect');
        await live();
        await section('Bans').getByText('while-away').waitFor();
        await section('What you did').getByText('Disconnect nina').waitFor();
        expect(await actsOn('nina')).toEqual(['user.disconnect']);

        // It dies once it has done the act, and before it has answered.
        const answers: number[] = [];
        await page.route('**/v1/bans', async (route) => {
          if (route.request().method() !== 'POST' || answers.length > 0) return route.continue();
          answers.push((await route.fetch()).status());
          await kill(service);
          return route.abort('connectionreset');
        });
        await page.getByRole('button', { name: 'Ban somebody' }).click();
        await dialog.getByLabel('User id').fill('olga');
        await dialog.getByRole('button', { name: 'Ban', exact: true }).click();
        await waits.waitFor();
        expect(answers).toEqual([201]);
        service = await start();
        await isTaken('Ban');
        await section('Bans').getByText('olga', { exact: true }).waitFor();
        expect(await actsOn('olga')).toEqual(['ban']);
        const bans = await stagedoor.expect(200, stagedoor.get('/v1/bans?userId=olga', acme.key));
        expect(bans['data']).toHaveLength(1);
        await live();
        expect(await page.evaluate('globalThis.isTheSamePage')).toBe(true);
      } finally {
        await page.close();
        await kill(service);
      }
    },
    patience,
  );

  it(
    'lists 10,000 people: by the keyboard, for screen readers, in any script, and finds one of them',
    async () => {
      const arena = await stagedoor.createSpace(acme, { name: 'مسرح الليل', defaultRole: 'speaker' });
      const scripts = ['عليّ 🎭', 'מאיה', '王小明', 'Zoë', 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(3)];
      const userIds = Array.from({ length: 10_000 }, (_, n) => `${n < 50 ? scripts[n % 5] : 'viewer'}-${n}`);
      await hoard(stagedoor.database, acme.id, arena['id'], { userIds, each: 1, kinds: ['chat'] });
      await signIn(acme.key);
      await page.getByRole('link', { name: 'مسرح الليل' }).click();
      const people = section('Could be in, or get in');
      await people.getByText('10,000', { exact: true }).waitFor({ timeout: patience }); // a hundred requests
      const rows = people.getByRole('listitem');
      const place = (nth: number) => people.locator(`li[aria-posinset="${nth}"][aria-setsize="10000"]`);
      await place(1).waitFor();
      expect(await rows.count()).toBeLessThan(60);

      await people.getByRole('group').focus();
      await page.keyboard.press('End');
      const isFocused = (nth: number) =>
        until(
          async () => (await page.evaluate('document.activeElement.ariaPosInSet')) === String(nth),
          `entry ${nth} has the focus`,
        );
      await isFocused(10_000);
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await isFocused(9_998);
      await page.keyboard.press('Tab'); // its checkbox
      await page.keyboard.press('Space');
      await page.getByRole('button', { name: 'Ban 1 chosen' }).waitFor();
      // What has the focus keeps it, also while it is not seen.
      await people.getByRole('group').hover();
      await page.mouse.wheel(0, -1_000_000);
      await place(1).waitFor();
      expect(await page.evaluate('document.activeElement.type')).toBe('checkbox');
      await page.keyboard.press('ArrowDown');
      await isFocused(9_999);
      await page.keyboard.press('Home');
      await isFocused(1);
      expect(await rows.count()).toBeLessThan(60);

      await people.getByRole('searchbox').fill('عليّ');
      await people.getByText('10 found').waitFor();
      expect(await rows.count()).toBe(10);
      await people.getByRole('searchbox').fill('schifffahrt');
      await people.getByText('10 found').waitFor();
      await look('many-long-names');
      await people.getByRole('searchbox').fill('');
      await place(1).waitFor();
      await look('many-people');
    },
    patience,
  );

  it('shows nothing of another tenant, and no act to whoever may not act', async () => {
    const scopes = ['spaces:read', 'moderation:read', 'events:read'];
    const body = { name: 'Watcher', scopes, spaceIds: [space['id']] };
    const viewer = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', acme.key, body));
    await signIn(viewer['key'] as string);
    await openSpace();
    await section('Bans').waitFor();
    expect(await page.getByRole('button', { name: /ban|freeze|disconnect|lift/i }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key or operator token').waitFor();

    await signIn(globex.key);
    await page.getByText('There is no space yet.').waitFor();
    await page.goto(`${stagedoor.url}/console/spaces/${space['id']}`);
    await page.getByText('There is no such space.').waitFor();
    expect(await page.textContent('body')).not.toContain('Late show');
  });

  it('speaks another language', async () => {
    await signIn(acme.key);
    await page.getByLabel('Language').selectOption('Deutsch');
    await page.getByRole('heading', { name: 'Räume' }).waitFor();
    expect(await page.getAttribute('html', 'lang')).toBe('de');
  });
});
