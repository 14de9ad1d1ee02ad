import {
  CreateChatTokenCommand,
  CreateRoomCommand,
  DisconnectUserCommand,
  type IvschatClient,
  SendEventCommand,
} from '@aws-sdk/client-ivschat';
import type { Browser, JSHandle, Page } from 'playwright-core';
import type { Emulator } from '../src/index.ts';
import { describeInBrowser, launchBrowser } from './support/browser.ts';
import { ChatPage } from './support/chat-page.ts';
import { chat, startEmulator } from './support/clients.ts';

/** What the page stores for one connection. `support/chat-page.ts` fills it. */
interface InPage {
  room: Record<'sendMessage' | 'deleteMessage' | 'disconnectUser', (request: unknown) => Promise<Said>> & {
    state: string;
    disconnect: () => void;
  };
  heard: {
    messages: Said[];
    events: { eventName: string }[];
    deleted: string[];
    users: string[];
    states: string[];
    reason: string | undefined;
  };
}

interface Said {
  id: string;
  content: string;
  sender: { userId: string; attributes: Record<string, string> };
}

type Capability = 'SEND_MESSAGE' | 'DELETE_MESSAGE' | 'DISCONNECT_USER';

const CAPABILITIES: Record<string, Capability[]> = {
  ada: ['SEND_MESSAGE'],
  mod: ['DELETE_MESSAGE', 'DISCONNECT_USER'],
};

let ivs: Emulator;
let client: IvschatClient;
let site: ChatPage;
let browser: Browser;
let page: Page;
let roomIdentifier: string;
let asked: string[];
/** What the client gets together with the token. */
let tokenExtras: () => { tokenExpirationTime?: string };

describeInBrowser('the official chat client in Chromium', () => {
  beforeAll(async () => {
    site = await ChatPage.start();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.stop();
  });

  beforeEach(async () => {
    ivs = await startEmulator();
    client = chat(ivs);
    asked = [];
    tokenExtras = () => ({});
    roomIdentifier = (await client.send(new CreateRoomCommand({ maximumMessageRatePerSecond: 100 }))).arn ?? '';
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.exposeFunction('vendToken', async (userId: string) => {
      asked.push(userId);
      const attributes = { name: userId.toUpperCase() };
      const input = { roomIdentifier, userId, attributes, capabilities: CAPABILITIES[userId] ?? [] };
      const { token } = await client.send(new CreateChatTokenCommand(input));
      return { token, ...tokenExtras() };
    });
    await page.goto(site.url);
    await page.waitForFunction('window.ready');
  });
  afterEach(async () => {
    await page.close();
    client.destroy();
    await ivs.stop();
  });

  const begin = (name: string) =>
    page.evaluateHandle(`window.enter(${JSON.stringify(ivs.chatUrl)}, ${JSON.stringify(name)})`) as Promise<
      JSHandle<InPage>
    >;
  async function enter(name: string): Promise<JSHandle<InPage>> {
    const who = await begin(name);
    await holds(who, ({ room }) => room.state === 'connected');
    return who;
  }

  /** Waits until a condition holds for a connection in the page. */
  async function holds(who: JSHandle<InPage>, condition: (who: InPage) => boolean): Promise<void> {
    await page.waitForFunction(condition, who);
  }

  const act = (
    who: JSHandle<InPage>,
    method: 'sendMessage' | 'deleteMessage' | 'disconnectUser',
    request: 'SendMessageRequest' | 'DeleteMessageRequest' | 'DisconnectUserRequest',
    ...args: string[]
  ) =>
    who.evaluate(
      async ({ room }, { method, request, args }) => {
        const { chat } = globalThis as unknown as { chat: Record<string, new (...args: string[]) => unknown> };
        const Request = chat[request];
        if (!Request) throw new Error(request);
        return await room[method](new Request(...args)).catch((error: { errorCode: number }) => ({
          refused: error.errorCode,
        }));
      },
      { method, request, args },
    );

  it('connects, and shows a message to everybody', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const said = await act(ada, 'sendMessage', 'SendMessageRequest', 'hello');
    expect(said).toMatchObject({ content: 'hello' });
    await holds(bob, ({ heard }) => heard.messages.length === 1);
    expect(await bob.evaluate(({ heard }) => heard.messages[0])).toMatchObject({
      content: 'hello',
      sender: { userId: 'ada', attributes: { name: 'ADA' } },
    });
  });

  it('receives events of the back end', async () => {
    const ada = await enter('ada');
    await client.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' }));
    await holds(ada, ({ heard }) => heard.events.some(({ eventName }) => eventName === 'app:quiz'));
  });

  it('reports a message that a moderator deletes', async () => {
    const ada = await enter('ada');
    const mod = await enter('mod');
    const { id } = (await act(ada, 'sendMessage', 'SendMessageRequest', 'spam')) as Said;
    expect(await act(mod, 'deleteMessage', 'DeleteMessageRequest', id, 'spam')).toMatchObject({ messageId: id });
    await holds(ada, ({ heard }) => heard.deleted.length === 1);
    expect(await ada.evaluate(({ heard }) => heard.deleted)).toEqual([id]);
  });

  it('does not reconnect after a moderator or the back end has disconnected the user', async () => {
    const ada = await enter('ada');
    const bob = await enter('bob');
    const mod = await enter('mod');
    await act(mod, 'disconnectUser', 'DisconnectUserRequest', 'ada', 'enough');
    await client.send(new DisconnectUserCommand({ roomIdentifier, userId: 'bob' }));
    for (const who of [ada, bob]) {
      await holds(who, ({ heard }) => heard.reason !== undefined);
      expect(await who.evaluate(({ heard }) => heard.reason)).toBe('serverDisconnect');
    }
    expect(await mod.evaluate(({ room, heard }) => [room.state, heard.users])).toEqual(['connected', ['ada', 'bob']]);
    expect(asked).toEqual(['ada', 'bob', 'mod']);
  });

  it('gets an error for an action that its token does not allow', async () => {
    const bob = await enter('bob');
    expect(await act(bob, 'sendMessage', 'SendMessageRequest', 'hello')).toEqual({ refused: 403 });
  });

  it('gives up after four refused handshakes', async () => {
    ivs.fault({ operation: 'ConnectToRoom', effect: { error: 'Forbidden', status: 403 } });
    const ada = await begin('ada');
    await holds(ada, ({ heard }) => heard.reason !== undefined);
    expect(await ada.evaluate(({ heard }) => heard.reason)).toBe('socketError');
    expect(asked).toHaveLength(4);
  });

  it('reconnects with a new token after its network failed', async () => {
    const ada = await enter('ada');
    expect(ivs.cutChat({ userId: 'ada' })).toBe(1);
    await holds(ada, ({ heard }) => heard.states.filter((state) => state === 'connected').length === 2);
    expect(asked).toEqual(['ada', 'ada']);
    expect(await act(ada, 'sendMessage', 'SendMessageRequest', 'back')).toMatchObject({ content: 'back' });
  });

  it('moves to a new connection before its token expires, and receives each message once', async () => {
    // The client moves 30 s before the token expires, which is in 5 s here.
    tokenExtras = () =>
      asked.length === 1 ? { tokenExpirationTime: new Date(Date.now() + 35_000).toISOString() } : {};
    const bob = await enter('bob');
    const first = ivs.chatConnections(roomIdentifier).map(({ id }) => id);
    const ada = await enter('ada');
    const isRotated = () => {
      const now = ivs.chatConnections(roomIdentifier).filter(({ userId }) => userId === 'bob');
      return now.length === 1 && now[0]?.id !== first[0];
    };
    const said: string[] = [];
    while (!isRotated()) {
      const sent = await act(ada, 'sendMessage', 'SendMessageRequest', `message ${said.length}`);
      if ('content' in sent) said.push(sent.content);
    }
    // The many messages before may have used up the rate of the sender.
    while (!('content' in (await act(ada, 'sendMessage', 'SendMessageRequest', 'last')))) continue;
    await holds(bob, ({ heard }) => heard.messages.some(({ content }) => content === 'last'));
    expect(asked.filter((name) => name === 'bob')).toHaveLength(2);
    const heard = await bob.evaluate(({ heard }) => heard.messages.map(({ content }) => content));
    expect(heard).toEqual([...said, 'last'].filter((content) => heard.includes(content)));
    // The client listens to one connection at a time. It loses a message that is on its way over the old connection.
    expect(said.length + 1 - heard.length).toBeLessThanOrEqual(1);
    expect(await bob.evaluate(({ heard }) => heard.reason)).toBeUndefined();
  });
});
