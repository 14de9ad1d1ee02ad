/** The chat of a room in the console, as a moderator uses it: real chat clients write, and the built pages show it. */
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { enter, type Person } from '../support/chat.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { look, patience, signIn, visit } from './support/pages.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let space: Json;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];
let people: Person[];

describeInBrowser('the chat of the console', () => {
  beforeAll(async () => {
    await build();
    [stagedoor, browser] = await Promise.all([Stagedoor.start(), launchBrowser()]);
    acme = await stagedoor.createTenant('acme');
    space = await stagedoor.createSpace(acme, { name: 'Late show', defaultRole: 'speaker' });
  }, patience);
  afterAll(async () => {
    await browser?.close();
    await stagedoor?.stop();
  });

  beforeEach(async () => {
    people = [];
    ({ context, page, faults } = await visit(browser, () => [stagedoor.url]));
  });
  afterEach(async () => {
    await context?.close();
    for (const { chat } of people) chat.room.disconnect();
    expect(faults).toEqual([]);
  });

  async function comeIn(userId: string, attributes?: Json): Promise<Person> {
    const one = await enter(stagedoor, space['id'], acme.key, { userId, ...(attributes && { attributes }) });
    people.push(one);
    return one;
  }

  const say = (who: Person, content: string) => who.chat.room.sendMessage(new SendMessageRequest(content));

  async function openChat(credential: string): Promise<void> {
    await signIn(page, stagedoor.url, credential);
    await page.getByRole('link', { name: 'Late show' }).click();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await connected();
  }

  const connected = () => page.locator('[data-room=connected]').waitFor();
  const lines = () => page.getByRole('log', { name: 'Messages' });
  const line = (text: string) => page.locator('[data-message]').filter({ hasText: text });
  const dialog = () => page.getByRole('dialog');

  /** Connections to the room of the people at the console. */
  const ofConsole = () => stagedoor.ivs.chatConnections().filter(({ userId }) => userId.startsWith('console:'));

  it(
    'shows what people write, deletes a message for everybody, says who did it, and replies',
    async () => {
      const mallory = await comeIn('mallory');
      const guest = await comeIn('guest', { displayName: 'Nina عليّ 🎭' });
      await openChat(acme.key);
      await say(guest, 'Good evening! <b>Is it bold?</b>');
      await say(mallory, 'Buy followers now');
      await line('<b>Is it bold?</b>').getByText('Nina عليّ 🎭').waitFor();
      await line('Buy followers now').waitFor();
      await say(guest, `A long word: ${'Donaudampfschifffahrt'.repeat(8)}`);
      await line('A long word').waitFor();

      await line('Buy followers now').hover();
      await page.getByRole('button', { name: 'Delete the message of mallory' }).click();
      await dialog().getByText('asks the apps of everybody in the room to hide it').waitFor();
      await dialog().getByLabel('Reason').fill('spam');
      await look(page, 'chat-delete');
      await dialog().getByRole('button', { name: 'Delete message' }).dblclick();
      await dialog().waitFor({ state: 'detached' });
      await line('Buy followers now').getByText('deleted by you').waitFor();
      await until(() => guest.chat.deleted.length === 1, 'another client hides the message');
      expect(
        await line('Buy followers now')
          .getByRole('button', { name: /delete|reply/i })
          .count(),
      ).toBe(0);
      await page.getByRole('region', { name: 'What you did' }).getByText('done', { exact: true }).first().waitFor();

      await line('Is it bold?').getByRole('button', { name: 'Reply to Nina' }).click();
      await page.getByLabel('Write as a moderator').fill('No.');
      await page.keyboard.press('Enter');
      await line('@Nina عليّ 🎭 No.').waitFor();
      await until(() => mallory.chat.messages.some(({ content }) => content.endsWith('No.')), 'everybody hears it');
      const reply = mallory.chat.messages.at(-1);
      expect(reply?.attributes).toEqual({ replyTo: guest.chat.messages[0]?.id });
      expect(reply?.sender.attributes).toMatchObject({ displayName: 'Moderator' });
      await look(page, 'chat');
      expect(ofConsole()).toHaveLength(1);
    },
    patience,
  );

  it(
    'leads from a message to the person, by the keyboard alone: bans them, and shows what of theirs was deleted',
    async () => {
      const eve = await comeIn('eve/1');
      await openChat(acme.key);
      await say(eve, 'First');
      await say(eve, 'Second');
      await line('Second').waitFor();
      await lines().focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('d');
      await dialog().getByRole('button', { name: 'Delete message' }).focus();
      await page.keyboard.press('Enter');
      await line('First').getByText('deleted by you').waitFor();
      await dialog().waitFor({ state: 'detached' });
      await lines().focus();
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('Enter');
      const card = page.getByRole('dialog', { name: 'eve/1' });
      await card.getByText('would be let in').waitFor();
      await card.getByText('speaker', { exact: true }).waitFor();
      await card.getByText(/Newest token from/).waitFor();
      await look(page, 'chat-person');
      await card.getByRole('button', { name: 'Ban', exact: true }).click();
      await page.getByRole('dialog', { name: 'Ban eve/1?' }).getByRole('button', { name: 'Ban', exact: true }).click();
      await until(() => eve.chat.room.state === 'disconnected', 'they are out of the room');
      await dialog().waitFor({ state: 'detached' });
      await line('Second').getByRole('button', { name: 'eve/1', exact: true }).click();
      await card.getByText('would be refused').waitFor();
      await card.getByRole('link', { name: 'Everything about this person' }).click();

      await page.getByRole('heading', { name: 'eve/1', exact: true }).waitFor();
      const deleted = page.getByRole('region', { name: 'Deleted messages' });
      await deleted.getByText(eve.chat.messages[0]?.id ?? 'none').waitFor();
      await page
        .getByRole('region', { name: 'All bans' })
        .getByRole('button', { name: 'Lift the ban of eve/1?' })
        .click();
      await dialog().getByRole('button', { name: 'Lift', exact: true }).click();
      await page.getByRole('region', { name: 'Could they join?' }).getByText('would be let in').waitFor();
      await page.getByRole('button', { name: 'Disconnect eve/1?' }).click();
      await dialog().getByRole('button', { name: 'Disconnect', exact: true }).click();
      await page.getByRole('region', { name: 'What you did' }).getByText('Disconnect eve/1').waitFor();

      const notes = page.getByRole('region', { name: 'Notes' });
      await notes.getByLabel('New note').fill('Warned twice.\nCalm since.');
      await notes.getByRole('button', { name: 'Add' }).dblclick();
      await notes.getByText('Warned twice.').waitFor();
      await look(page, 'person-acts');
      await notes.getByRole('button', { name: 'Delete the note by you' }).click();
      await dialog().getByRole('button', { name: 'Delete', exact: true }).click();
      await notes.getByText('Nobody has noted anything.').waitFor();
    },
    patience,
  );

  it('gives whoever may only read no box to write, and no button to delete', async () => {
    const body = { name: 'Watcher', scopes: ['spaces:read', 'moderation:read', 'events:read'] };
    const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', acme.key, body));
    const guest = await comeIn('guest-2');
    await openChat(key as string);
    await say(guest, 'Hello');
    await line('Hello').waitFor();
    await line('Hello').hover();
    expect(await page.getByRole('button', { name: /delete|reply|send|ban|disconnect/i }).count()).toBe(0);
    expect(await page.getByRole('textbox').count()).toBe(0);
    await line('Hello').getByRole('button', { name: 'guest-2', exact: true }).click();
    await dialog().getByText('Everything about this person').waitFor();
    expect(await page.getByRole('button', { name: /delete|reply|ban|disconnect/i }).count()).toBe(0);
  });

  it(
    'keeps 500 of 5,000 messages, and stands still while somebody reads older ones',
    async () => {
      await openChat(acme.key);
      const send = (from: number, to: number) => {
        for (let n = from; n < to; n++) {
          // Faster than a room takes messages of clients.
          stagedoor.ivs['world'].chatRooms.broadcast(space['room'].arn, {
            Type: 'MESSAGE',
            Id: `m${n}`,
            Content: `message ${n}.`,
            SendTime: new Date().toISOString(),
            Sender: { UserId: `user-${n % 50}`, Attributes: {} },
          });
        }
      };
      const count = () => page.locator('[data-message]').count();
      send(0, 5_000);
      await line('message 4999.').waitFor();
      expect(await count()).toBe(500);
      await line('message 4500.').waitFor();
      await lines().hover();
      await page.mouse.wheel(0, -3_000);
      await page.getByRole('button', { name: 'To the newest' }).waitFor();
      send(5_000, 5_003);
      await page.getByRole('button', { name: '3 new messages' }).waitFor();
      expect(await line('message 5002.').count()).toBe(0);
      await page.getByRole('button', { name: '3 new messages' }).click();
      await line('message 5002.').waitFor();
      expect(await count()).toBe(500);
      const below = `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(
        document.querySelector('[role=log]'))`;
      await until(async () => Number(await page.evaluate(below)) < 40, 'the newest message is seen');
    },
    patience,
  );

  it('says that the connection is lost, comes back, and tells what it could not hear', async () => {
    const guest = await comeIn('guest-3');
    await openChat(acme.key);
    await say(guest, 'Before');
    await line('Before').waitFor();
    // It comes back when the test has seen that it is away.
    const seen = Promise.withResolvers<void>();
    await page.route('**/console-chat-tokens', async (route) => {
      await seen.promise;
      await route.continue();
    });
    for (const { userId } of ofConsole()) stagedoor.ivs.cutChat({ userId });
    await page.getByText('Connection lost. Connecting again …').waitFor();
    const { id } = guest.chat.messages.at(-1) ?? {};
    const path = `/v1/spaces/${space['id']}/messages/${id}/delete`;
    const answer = await stagedoor.post(path, acme.key, { userId: 'guest-3' });
    expect(answer.status).toBeLessThan(300);
    await say(guest, 'Nobody at the console hears this');
    seen.resolve();
    await connected();
    await page.getByText(/^No connection from .+ to /).waitFor();
    await line('Before')
      .getByText(/deleted by/)
      .waitFor();
    await say(guest, 'After');
    await line('After').waitFor();
    expect(await line('Nobody at the console').count()).toBe(0);
  });
});
