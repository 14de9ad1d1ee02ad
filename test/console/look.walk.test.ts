/** The pages of the console to look and find, in Chromium: the built pages on the real service, with the IVS emulator behind. */
import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { RefusalCounts } from '../../src/refusals/refusal-counts.ts';
import { expectProblem } from '../support/problem.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { answering, WebhookReceiver } from '../support/webhook-receiver.ts';
import { look as lookAt, patience, signIn as signInTo, visit } from './support/pages.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let globex: TestTenant;
let space: Json;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

describeInBrowser('the console, to look and find', () => {
  beforeAll(async () => {
    await build();
    [stagedoor, browser] = await Promise.all([Stagedoor.start({ PRESENCE_LOOK_SECONDS: '1' }), launchBrowser()]);
    [acme, globex] = await Promise.all([stagedoor.createTenant('acme'), stagedoor.createTenant('globex')]);
    space = await stagedoor.createSpace(acme, { name: 'Late show', defaultRole: 'speaker' });
    await put(`/v1/spaces/${space['id']}/members/guest-1`, { role: 'viewer' });
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await stagedoor?.stop();
  });

  beforeEach(async () => {
    ({ context, page, faults } = await visit(browser, () => [stagedoor.url]));
  });
  afterEach(async () => {
    await context?.close();
    expect(faults).toEqual([]);
  });

  const put = (path: string, body: Json) =>
    stagedoor.expect(200, stagedoor.request('PUT', path, { as: acme.key, body }));
  const signIn = (credential: string) => signInTo(page, stagedoor.url, credential);
  const look = (name: string) => lookAt(page, name);
  const section = (name: string) => page.getByRole('region', { name, exact: true });
  const open = (name: string) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  const button = (name: string) => page.getByRole('button', { name, exact: true });

  /** A time as a field of the browser takes it. @param ms from now */
  function localTime(ms: number): string {
    const time = new Date(Date.now() + ms);
    return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }

  /** Says yes to what the page asks before it does something. */
  async function confirm(verb: string): Promise<void> {
    await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  /** What is shown once, after the dialog was said yes to. It is gone then, also after the page is loaded again. */
  async function secretAfter(verb: string): Promise<string> {
    await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
    const secret = await page.getByRole('dialog').getByLabel('The secret').inputValue();
    await confirm('Done');
    expect(await page.content()).not.toContain(secret);
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor(); // the page itself is loaded after its frame
    expect(await page.content()).not.toContain(secret);
    return secret;
  }

  it(
    'searches the audit log, page by page, and says whether its chain holds',
    async () => {
      await stagedoor.database.query(
        `insert into audit (tenant_id, id, at, caller, action, request_id)
         select $1, 'aud_00' || n, now() - interval '1 hour', '{"kind":"apiKey","id":"key_old"}', 'role.update', 'test'
           from generate_series(1000, 2099) n`,
        [acme.id],
      );
      const unsealed = `select from audit where tenant_id = $1 and seq is null`;
      const isSealed = async () => (await stagedoor.database.query(unsealed, [acme.id])).length === 0;
      await until(isSealed, 'the past is in the chain');
      await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'troll', reason: 'spam' }));
      await signIn(acme.key);
      await open('Audit log');
      await section('The chain').getByText('The chain holds').waitFor();
      const entries = section('Entries').getByRole('listitem');
      await section('Entries').getByText('“spam”').waitFor();
      expect(await entries.count()).toBe(50);
      await button('More').click();
      await until(async () => (await entries.count()) === 100, 'there are more entries');
      await page.getByLabel('To which user').fill('troll');
      await button('Search').click();
      await until(async () => (await entries.count()) === 1, 'one entry is found');
      await section('Entries').getByText('Details').click();
      await section('Entries').getByText('Place in the chain').waitFor();
      await look('audit');
      await page.reload();
      await section('Entries').getByText('ban.create', { exact: true }).waitFor();
      expect(await page.getByLabel('To which user').inputValue()).toBe('troll');
      await button('All entries').click();
      await page.getByLabel('Who did it').fill('operator');
      await button('Search').click();
      await until(async () => (await entries.count()) === 2, 'what the operator did is found');

      const tamper = (which: string) =>
        stagedoor.database.query(`update audit set details = '{"a":1}' where tenant_id = $1 and ${which}`, [acme.id]);
      const chain = section('The chain');
      await until(isSealed, 'the ban is in the chain');
      await button('Check again').click();
      await chain.getByText(/Entries \d{3} to \d{4} were checked/).waitFor();
      await button('Check the whole log').click();
      await chain.getByText(/Entries 1 to \d{4} were checked/).waitFor();
      await chain.getByText('The chain holds').waitFor();
      await tamper('seq = 1'); // the newest thousand do not tell
      await button('Check again').click();
      await chain.getByText(/Entries \d{3} to \d{4} were checked/).waitFor();
      await chain.getByText('The chain holds').waitFor();
      await button('Check the whole log').click();
      await chain.getByText(/^Entry 1 was changed/).waitFor();
      await tamper(`user_id = 'troll'`);
      await button('Check again').click();
      await chain.getByText('The chain is broken').waitFor();
      await chain.getByText(/^Entry \d{4} was changed/).waitFor();
      await look('audit-broken');
    },
    patience,
  );

  it(
    'makes a webhook endpoint, tests, pauses and deletes it, and shows its log',
    async () => {
      await using receiver = await WebhookReceiver.start(answering(500, {}, 'out of order'));
      await signIn(acme.key);
      await open('Webhooks');
      await page.getByText('There is no endpoint yet.').waitFor();
      await button('New endpoint').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Address').fill(receiver.url);
      await dialog.getByLabel('Events').click();
      await page.getByRole('option', { name: 'ban.created' }).click();
      await page.keyboard.press('Tab');
      await look('webhook-new');
      const secret = await secretAfter('Create');
      expect(secret).toMatch(/^whsec_/);
      await look('webhooks');

      await page.getByRole('link', { name: receiver.url }).click();
      await button('Send a test').click();
      await confirm('Send a test');
      const log = section('Deliveries');
      await log.getByText('webhook.test', { exact: true }).waitFor();
      await log.getByText('answered 500').waitFor();
      await log.getByText('“out of order”').waitFor();
      await look('webhook');
      receiver.answer = answering(204);
      await button('Send again: webhook.test').click();
      await confirm('Send again');
      await log.getByText('delivered', { exact: true }).waitFor();
      await page.getByLabel('State').selectOption('failed');
      await page.getByText('Nothing was sent.').waitFor();

      await button('Pause').click();
      await confirm('Pause');
      await page.getByText('paused', { exact: true }).waitFor();
      await button('Switch on').click();
      await confirm('Switch on');
      await page.getByText('on', { exact: true }).waitFor();
      await button('Change').click();
      await page.getByRole('dialog').getByLabel('What it is for').fill('the archive');
      await confirm('Change');
      await page.getByText('the archive').waitFor();

      await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'told twice' }));
      const told = () => receiver.received.filter(({ event }) => event['userId'] === 'told twice');
      await until(() => told().length === 1, 'the event is told');
      await button('Send again').click();
      await page.getByRole('dialog').getByLabel('Since').fill(localTime(-3_600_000));
      await confirm('Send again');
      await until(() => told().length === 2, 'the event is told again');
      expect(new Set(told().map(({ id }) => id)).size).toBe(1);
      await page.getByLabel('State').selectOption('');
      await log.getByText('sent again', { exact: true }).first().waitFor();
      await button('New secret').click();
      expect(await secretAfter('New secret')).not.toBe(secret);
      await button('Delete').click();
      await confirm('Delete');
      await page.getByText('There is no endpoint yet.').waitFor();
    },
    patience,
  );

  it(
    'explains a delivery that is stuck: which act, on whom, why, and what can be done',
    async () => {
      const { stage } = await stagedoor.expect(
        201,
        stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId: 'mallory' }),
      );
      stagedoor.ivs.join(stage.token);
      const fault = stagedoor.ivs.fault({
        operation: 'DisconnectParticipant',
        effect: { error: 'AccessDeniedException', status: 403 },
      });
      await stagedoor.post('/v1/bans', acme.key, { userId: 'mallory', spaceId: space['id'] });
      await signIn(acme.key);
      await open('Deliveries');
      const acts = section('Acts');
      await acts.getByText('stuck', { exact: true }).first().waitFor();
      await acts.getByText('The AWS account does not allow the service to make this call.').waitFor();
      await acts.getByText(/The operator gives its IAM role the permission/).waitFor();
      await look('deliveries');
      stagedoor.ivs.clearFaults(fault.id);
      // An attempt may be under way that began before the fault was gone. It is stuck again after it. The act is delivered only
      // after its last call: a second DisconnectUser, planned for the time when the chat token has ended.
      await until(async () => {
        await stagedoor.database.query(`update deliveries set next_at = now() where state in ('pending', 'stuck')`);
        const left = await stagedoor.database.query(`select from deliveries where state in ('pending', 'stuck')`);
        return left.length === 0;
      }, 'the calls are made');
      await acts.getByText('stuck', { exact: true }).first().waitFor({ state: 'detached' });
      await page.getByLabel('Which').selectOption('delivered');
      await acts.getByText('mallory', { exact: true }).waitFor();
      await acts
        .getByText(/silent after \d+\.\d s/)
        .first()
        .waitFor();

      for (const userId of ['mallory', 'mallory', 'nobody'])
        await stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId, role: userId });
      await stagedoor.app.get(RefusalCounts).run();
      await open('Overview');
      await section('Time to silence')
        .getByText(/^(Of the last \d+ acts, half were silent within|One act\. Everybody was silent after)/)
        .waitFor();
      const dots = section('Time to silence').locator('[data-plot=dots]');
      await dots.locator('.recharts-symbols').first().waitFor();
      // Also where there is a single point, the axis says when it was.
      await dots
        .getByText(/^\d\d:\d\d/)
        .first()
        .waitFor();
      const refusals = section('Refused requests for tokens');
      await refusals.getByText(/^\d+ requests were refused in the last three days/).waitFor();
      await refusals.locator('[data-plot=bars] .recharts-bar-rectangle').last().waitFor();
      await section('Time to silence').getByText('Seconds, as a table').click();
      await section('Time to silence').getByRole('cell').first().waitFor();
      await look('overview');
    },
    patience,
  );

  it(
    'shows a session of a stage: how many people were there over time, and who for how long',
    async () => {
      const hall = await stagedoor.createSpace(acme, { name: 'Hall', defaultRole: 'speaker' });
      for (const userId of ['ann', 'ben', 'cleo']) {
        const joined = await stagedoor.expect(
          201,
          stagedoor.post(`/v1/spaces/${hall['id']}/join`, acme.key, { userId }),
        );
        const person = stagedoor.ivs.join(joined['stage'].token);
        if (userId === 'ann') stagedoor.ivs.publish(person);
      }
      const begun = `select from stage_sessions where space_id = $1`;
      const hasBegun = async () => (await stagedoor.database.query(begun, [hall['id']])).length === 1;
      await until(hasBegun, 'the session is noted');
      await stagedoor.database.query(
        `insert into stage_sessions (tenant_id, space_id, session_id, seq, started_at, ended_at, participants)
         overriding system value
         select $1, $2, 'st-past-' || n, n - 100, at, at + interval '1 hour', 10 + n % 7
           from generate_series(1, 9) n, lateral (select now() - (10 - n) * interval '1 day' as at) times`,
        [acme.id, hall['id']],
      );
      await signIn(acme.key);
      await page.getByRole('link', { name: 'Hall' }).click();
      await page.getByRole('link', { name: 'Sessions and attendance' }).click();
      await section('Sessions')
        .getByText(/^3 participants/)
        .waitFor();
      await section('Participants of each session')
        .locator('[data-plot=bars] .recharts-bar-rectangle')
        .nth(9)
        .waitFor();
      await look('sessions');
      await section('Sessions').getByRole('link').first().click();
      await section('People over time')
        .getByText(/^At most 3 people were there at once/)
        .waitFor();
      await section('Attendance').getByText('ann', { exact: true }).waitFor();
      await section('People over time').locator('[data-plot=steps] .recharts-area-curve').waitFor();
      await section('People over time').getByText('People, as a table').click();
      await look('session');
      const [file] = await Promise.all([page.waitForEvent('download'), button('Download as CSV').click()]);
      expect(file.suggestedFilename()).toMatch(/^attendance-st-.*\.csv$/);
    },
    patience,
  );

  it(
    'makes, replaces and revokes API keys, each shown once',
    async () => {
      await signIn(acme.key);
      await open('Settings');
      await button('New key').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('Night shift');
      await dialog.getByLabel('read spaces and roles').check();
      await dialog.getByLabel('act on users').check();
      await look('key-new');
      const key = await secretAfter('Create');
      await stagedoor.expect(200, stagedoor.get('/v1/spaces', key));
      expectProblem(await stagedoor.get('/v1/webhooks', key), 'forbidden');
      await look('keys');
      await button('Rotate: Night shift').click();
      await page.getByRole('dialog').getByLabel('The old key works').selectOption('no longer');
      const second = await secretAfter('Rotate');
      expectProblem(await stagedoor.get('/v1/spaces', key), 'unauthenticated');
      await stagedoor.expect(200, stagedoor.get('/v1/spaces', second));
      await section('API keys')
        .getByRole('listitem')
        .filter({ hasText: 'Night shift', hasNotText: 'replaced' })
        .getByRole('button', { name: 'Revoke: Night shift' })
        .click();
      await confirm('Revoke');
      await until(async () => (await stagedoor.get('/v1/spaces', second)).status === 401, 'the key is revoked');
    },
    patience,
  );

  it(
    'shows issuers with the state of their keys, signing keys with what they void, and roles',
    async () => {
      await signIn(acme.key);
      await open('Settings');
      await page.getByRole('tab', { name: 'Issuers' }).click();
      await section('Issuers').getByText('keys work').waitFor();
      await button('New issuer').click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Issuer').fill('https://login.example');
      await dialog.getByLabel('Audience').fill('app');
      await dialog.getByLabel('Address of its public keys').fill('https://login.invalid/jwks.json');
      await confirm('Create');
      await section('Issuers').getByText('https://login.example', { exact: true }).waitFor();
      await look('issuers');
      await button('Change: https://login.example').click();
      await dialog.getByLabel('Audience').fill('app-2');
      await dialog.getByLabel('Claim with the role').fill('app.role');
      await confirm('Change');
      await section('Issuers').getByText('app-2').waitFor();
      const issuers = await stagedoor.expect(200, stagedoor.get('/v1/issuers', acme.key));
      expect(issuers['data'].find(({ issuer }: Json) => issuer === 'https://login.example')).toMatchObject({
        audience: 'app-2',
        jwksUri: 'https://login.invalid/jwks.json',
        claims: { userId: 'sub', role: 'app.role' },
      });
      await button('Delete: https://login.example').click();
      await confirm('Delete');
      await section('Issuers').getByText('https://login.example', { exact: true }).waitFor({ state: 'detached' });

      await page.getByRole('tab', { name: 'Signing keys' }).click();
      await button('New signing key').click();
      await confirm('New signing key');
      await section('Signing keys').getByText('signs', { exact: true }).waitFor();
      await section('Signing keys')
        .getByRole('button', { name: /^Rotate: / })
        .click();
      await confirm('Rotate');
      await look('signing-keys');
      // The old one has signed nothing, so it may be gone already.
      const signing = section('Signing keys').getByRole('listitem').filter({ hasText: 'signs' });
      await signing.getByRole('button', { name: /^Delete: / }).click();
      await page
        .getByRole('dialog')
        .getByText(/so nobody is locked out/)
        .waitFor();
      await confirm('Delete');

      await page.getByRole('tab', { name: 'Roles' }).click();
      await button('New role').click();
      await page.getByRole('dialog').getByLabel('Name').fill('panel');
      await page.getByRole('dialog').getByLabel('send video and audio').check();
      await page.getByRole('dialog').getByLabel('Rank').fill('7');
      await look('role-new');
      await confirm('Create');
      await section('Roles').getByText('panel', { exact: true }).waitFor();
      await look('roles');
      const { data } = await stagedoor.expect(200, stagedoor.get('/v1/roles?limit=100', acme.key));
      expect(data.find(({ name }: Json) => name === 'panel')).toMatchObject({
        stage: { capabilities: ['SUBSCRIBE', 'PUBLISH'], ttlSeconds: 600 },
        rank: 7,
      });
      await button('Delete: panel').click();
      await confirm('Delete');
      await section('Roles').getByText('panel', { exact: true }).waitFor({ state: 'detached' });

      await page.getByRole('tab', { name: 'Shared accounts' }).click();
      await page.getByLabel('One: the newest').check();
      await look('shared-accounts');
      await button('Change').click();
      await confirm('Change');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      const settled = async () => await stagedoor.expect(200, stagedoor.get('/v1/settings', acme.key));
      expect((await settled())['oneLiveToken']).toBe('newest');
      await page.getByLabel('As many as they ask for').check();
      await button('Change').click();
      await confirm('Change');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect((await settled())['oneLiveToken']).toBe('off');
    },
    patience,
  );

  it(
    'gives a user a role in a space, changes and removes it',
    async () => {
      const yard = await stagedoor.createSpace(acme, { name: 'Yard' });
      await signIn(acme.key);
      await page.goto(`${stagedoor.url}/console/spaces/${yard['id']}/members`);
      await button('Add a member').click();
      await page.getByRole('dialog').getByLabel('User id').fill('zoë/1');
      await page.getByRole('dialog').getByLabel('Role').selectOption('speaker');
      await confirm('Add a member');
      await section('Members').getByText('zoë/1', { exact: true }).waitFor();
      await button('Change role: zoë/1').click();
      await page.getByRole('dialog').getByLabel('Role').selectOption('moderator');
      await confirm('Change');
      await section('Members').getByText('moderator').first().waitFor();
      await look('members');
      await button('Remove: zoë/1').click();
      await confirm('Remove');
      await page.getByText('Nobody has a role of their own here.').waitFor();
    },
    patience,
  );

  it(
    'lets the operator make a tenant with its first key, suspend and resume it',
    async () => {
      await signIn(Stagedoor.operatorToken);
      await section('Tenants').getByText('globex', { exact: true }).first().waitFor();
      await button('New tenant').click();
      await page.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true }).fill('Initech');
      await page.getByRole('dialog').getByLabel('Short name').fill('initech');
      await page.getByRole('dialog').getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('dialog', { name: 'Make a key for Initech?' }).waitFor();
      const key = await secretAfter('New key');
      await stagedoor.expect(200, stagedoor.get('/v1/spaces', key));
      await look('tenants');
      await button('Suspend: Initech').click();
      await confirm('Suspend');
      await section('Tenants').getByText('suspended', { exact: true }).waitFor();
      const refused = await stagedoor.post('/v1/spaces', key, { name: 'x' });
      expect(refused.status).toBe(403);
      await button('Resume: Initech').click();
      await confirm('Resume');
      await section('Tenants').getByText('suspended', { exact: true }).waitFor({ state: 'detached' });
      await stagedoor.expect(200, stagedoor.get('/v1/spaces', key));
    },
    patience,
  );

  it('shows a viewer no button that changes something, and one tenant nothing of another', async () => {
    await stagedoor.expect(201, stagedoor.post('/v1/webhooks', acme.key, { url: 'http://127.0.0.1:9/' }));
    const scopes = ['spaces:read', 'moderation:read', 'events:read'];
    const viewer = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', acme.key, { name: 'Viewer', scopes }));
    await signIn(viewer['key'] as string);
    const links = await page.getByRole('navigation').getByRole('link').allTextContents();
    expect(links).toEqual(['Spaces', 'Overview', 'Deliveries', 'Settings']);
    await open('Settings');
    await section('Roles').getByText('speaker', { exact: true }).waitFor();
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Roles']);
    const acts = page.getByRole('button', { name: /new|delete|change|remove|rotate|revoke|add/i });
    expect(await acts.count()).toBe(0);
    await page.goto(`${stagedoor.url}/console/spaces/${space['id']}/members`);
    await section('Members').getByText('guest-1', { exact: true }).waitFor();
    expect(await acts.count()).toBe(0);
    // What the address leads to is refused by the service.
    await page.goto(`${stagedoor.url}/console/webhooks`);
    await page
      .getByRole('alert')
      .getByText(/webhooks:write/)
      .waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key or operator token').waitFor();

    await signIn(globex.key);
    for (const name of ['Overview', 'Deliveries', 'Audit log', 'Webhooks', 'Settings']) {
      await open(name);
      await page.getByRole('heading', { name, exact: true }).waitFor();
      await until(async () => (await page.getByText('Loading …').count()) === 0, 'the page has its lists');
      expect(await page.textContent('main')).not.toMatch(/Late show|mallory|troll|guest-|Night shift|127\.0\.0\.1:9/);
    }
    await page.goto(`${stagedoor.url}/console/spaces/${space['id']}/sessions`);
    await page.getByRole('alert').getByText('There is no such space.').first().waitFor();
  });

  it('works by the keyboard alone, in another language', async () => {
    await signIn(acme.key);
    await page.getByLabel('Language').selectOption('Deutsch');
    await page.getByRole('navigation').getByRole('link', { name: 'Einstellungen' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'API-Schlüssel' }).waitFor();
    await page.getByRole('tab', { name: 'API-Schlüssel' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'Neuer Aussteller' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Neuer Aussteller' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});
