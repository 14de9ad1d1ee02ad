/** Somebody writes HTML wherever people write. The console shows it as text, on each of its pages. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { enter, type Person } from '../support/chat.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { answering, WebhookReceiver } from '../support/webhook-receiver.ts';
import { patience, signIn, visit } from './support/pages.ts';

/** A page that made HTML of it would have an element of this class. One that let it run would have another title. */
const markup = (word: string) => `<b class="markup">${word}</b><img src onerror="document.title='markup'">`;

let stagedoor: Stagedoor;
let receiver: WebhookReceiver;
let acme: TestTenant;
let space: Json;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];
let ann: Person;

/** Each route of the console, as console/src/router.tsx has it, and how to get there. */
const routes = [
  ...readFileSync(path.resolve(import.meta.dirname, '../../console/src/router.tsx'), 'utf8').matchAll(/ path: '(.*)'/g),
].map(([, route = '']) => route);

describeInBrowser('text with HTML in it', () => {
  beforeAll(async () => {
    await build();
    [stagedoor, browser, receiver] = await Promise.all([
      Stagedoor.start({ PRESENCE_LOOK_SECONDS: '1' }),
      launchBrowser(),
      WebhookReceiver.start(answering(500, {}, markup('answer'))),
    ]);
    acme = await stagedoor.createTenant('acme');
    const post = (to: string, body: Json, status = 201) => stagedoor.expect(status, stagedoor.post(to, acme.key, body));
    const put = (to: string, body: Json) => stagedoor.expect(200, stagedoor.request('PUT', to, { as: acme.key, body }));
    const attributes = { displayName: markup('display name') };
    space = await stagedoor.createSpace(acme, { name: markup('space'), defaultRole: 'speaker' });
    const named = { as: acme.key, body: { reasons: [markup('ready reason')] } };
    await stagedoor.expect(200, stagedoor.request('PATCH', '/v1/settings', named));
    await post('/v1/webhooks', { url: receiver.url, description: markup('endpoint') });
    await post('/v1/api-keys', { name: markup('key'), scopes: ['spaces:read'] });
    await post('/v1/issuers', {
      issuer: markup('issuer'),
      audience: markup('audience'),
      secret: randomBytes(48).toString('base64'),
    });
    await put('/v1/roles/loud', { stage: { capabilities: ['PUBLISH'] }, attributes: { title: markup('attribute') } });
    await put(`/v1/spaces/${space['id']}/members/${encodeURIComponent(markup('member'))}`, { role: 'host' });
    ann = await enter(stagedoor, space['id'], acme.key, { userId: markup('ann'), attributes });
    await post(`/v1/users/${encodeURIComponent(markup('ann'))}/notes`, { text: markup('note') });
    const ben = await enter(stagedoor, space['id'], acme.key, { userId: markup('ben') });
    stagedoor.ivs.fault({ operation: 'DisconnectParticipant', effect: { error: 'AccessDeniedException' } });
    await post('/v1/bans', { userId: ben.userId, reason: markup('reason') });
    ben.chat.room.disconnect();
    const has = async (sql: string) => (await stagedoor.database.query(sql, [acme.id])).length > 0;
    const isStuck = `select from deliveries where tenant_id = $1 and state = 'stuck'`;
    await until(() => has(isStuck), 'a delivery is stuck');
    // A look at the stage is what tells the service of its session.
    await until(() => has('select from stage_sessions where tenant_id = $1'), 'the session of the stage is known');
    ({ context, page, faults } = await visit(browser, () => [stagedoor.url]));
    await signIn(page, stagedoor.url, acme.key);
  }, patience);
  afterAll(async () => {
    ann?.chat.room.disconnect();
    await context?.close();
    await browser?.close();
    await stagedoor?.stop();
    await receiver?.[Symbol.asyncDispose]();
    expect(faults ?? []).toEqual([]);
  });

  /** The words with HTML around them that each page shows. */
  const shown: Record<string, string[]> = {
    '/': ['space'],
    '/spaces/$spaceId': ['space', 'ann', 'ben', 'reason'],
    '/spaces/$spaceId/chat': ['space', 'message', 'display name'],
    '/spaces/$spaceId/sessions': ['space'],
    '/spaces/$spaceId/sessions/$sessionId': ['ann'],
    '/spaces/$spaceId/members': ['member'],
    '/people/$userId': ['ann', 'note'],
    '/overview': [],
    '/deliveries': ['ben', 'reason'],
    '/audit': ['ben', 'reason'],
    '/webhooks': ['endpoint'],
    '/webhooks/$webhookId': ['endpoint', 'answer'],
    '/settings': ['key'],
    '/settings/$part': ['issuer', 'audience'],
  };

  it('is looked for on each page that there is', () => {
    expect(Object.keys(shown).toSorted()).toEqual(routes.toSorted());
  });

  it.each(Object.entries(shown))(
    'is text on %s',
    async (route, words) => {
      const row = async (sql: string) => Object.values((await stagedoor.database.query(sql, [acme.id]))[0] ?? {})[0];
      const params: Record<string, string> = {
        spaceId: space['id'],
        sessionId: String(await row('select session_id from stage_sessions where tenant_id = $1')),
        userId: encodeURIComponent(markup('ann')),
        webhookId: String(await row('select id from webhooks where tenant_id = $1')),
        part: 'issuers',
      };
      await page.goto(
        `${stagedoor.url}/console${route.replaceAll(/\$(\w+)/g, (_, name: string) => params[name] ?? '')}`,
      );
      await page.getByRole('heading', { level: 1 }).waitFor();
      if (route.endsWith('/chat')) {
        await page.locator('[data-room=connected]').waitFor();
        await ann.chat.room.sendMessage(new SendMessageRequest(markup('message')));
      }
      for (const word of words) await page.getByText(`>${word}</b>`).first().waitFor();
      expect(await page.locator('.markup').count()).toBe(0);
      expect(await page.title()).not.toBe('markup');
    },
    patience,
  );
});
