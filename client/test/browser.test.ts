/** The client in Chromium, with the two official packages, against the real service. */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, JSHandle, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { Stagedoor as Service, type TestTenant } from '../../test/support/stagedoor.ts';
import type { Entered } from './page.ts';

const script = path.resolve(import.meta.dirname, '../scripts/bundle.ts');

let service: Service;
let tenant: TestTenant;
let site: Server;
let browser: Browser;
let page: Page;
/** The requests of the page for tokens. */
let asked: string[];

/** Serves the page, and passes on what it asks the service. */
async function startSite(): Promise<Server> {
  const { stdout: code } = await promisify(execFile)(process.execPath, [script, 'test/page.ts'], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const server = createServer((request, response) => {
    const url = request.url ?? '/';
    if (url === '/page.js') return void response.setHeader('content-type', 'text/javascript; charset=utf-8').end(code);
    if (!url.startsWith('/v1/')) {
      const html =
        '<!doctype html><title>client</title><link rel="icon" href="data:," /><script type="module" src="/page.js"></script>';
      return void response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
    }
    asked.push(url);
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { authorization = '', 'content-type': type = '' } = request.headers;
      const headers = { authorization, 'content-type': type };
      void fetch(service.url + url, { method: 'POST', headers, body: Buffer.concat(parts).toString() }).then(
        async (answer) =>
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text()),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

describeInBrowser('the client in Chromium', () => {
  beforeAll(async () => {
    service = await Service.start();
    tenant = await service.createTenant();
    site = await startSite();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    site?.closeAllConnections();
    site?.close();
    await service?.stop();
  });

  async function open(
    userId: string,
    spaceId: string,
    claims: Record<string, string> = {},
  ): Promise<JSHandle<Entered>> {
    asked = [];
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.exposeFunction('userToken', () => tenant.issuer.token(userId, claims));
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.waitForFunction('window.enter');
    const call = `window.enter(${JSON.stringify(spaceId)}, ${JSON.stringify(service.ivs.chatUrl)})`;
    return (await page.evaluateHandle(call)) as JSHandle<Entered>;
  }
  const holds = async (who: JSHandle<Entered>, condition: (who: Entered) => boolean) =>
    void (await page.waitForFunction(condition, who));

  it('chats until a ban, is told of it, asks no more, and comes back after the ban was lifted', async () => {
    const { id } = (await service.createSpace(tenant)) as { id: string };
    const ada = await open('ada', id);
    await holds(ada, ({ roomState }) => roomState() === 'connected');
    const { ban } = await service.expect(201, service.post('/v1/bans', tenant.key, { userId: 'ada', spaceId: id }));
    await holds(ada, ({ refusals }) => refusals.length === 1);
    expect(await ada.evaluate(({ refusals, snapshot }) => [refusals[0]?.type, snapshot().status])).toEqual([
      'banned',
      'refused',
    ]);
    expect(await ada.evaluate(({ states }) => states)).toEqual(['connected', 'serverDisconnect']);
    expect(asked).toHaveLength(2);
    await service.expect(200, service.request('DELETE', `/v1/bans/${ban.id}`, { as: tenant.key }));
    await ada.evaluate(({ retry }) => retry());
    await holds(ada, ({ roomState }) => roomState() === 'connected');
    expect(asked).toHaveLength(3);
    await page.close();
  });

  it('the official Stage reads the tokens of the service, and exchanges those of one participant alone', async () => {
    await service.expect(201, service.post('/v1/signing-keys', tenant.key, {}));
    const made = await service.createSpace(tenant);
    const id = made['id'] as string;
    await service.expect(
      200,
      service.request('PUT', '/v1/roles/viewer', {
        as: tenant.key,
        body: {
          stage: { capabilities: ['SUBSCRIBE'], ttlSeconds: 3600 },
          chat: { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 },
          attributes: { name: '{{claims.name}}' },
        },
      }),
    );
    const zoe = await open('zoé', id, { name: 'Zoë 🎉' });
    const readFromToken = await zoe.evaluate(async ({ makeStage }) => await makeStage());
    const token = await zoe.evaluate(({ current }) => current());
    expect(readFromToken).toMatchObject({
      stageARN: made['stage'].arn,
      participantID: token?.participantId,
      userID: 'zoé',
      topic: made['stage'].arn.split('/').pop(),
      attributes: { name: 'Zoë 🎉' },
      capabilities: { allow_subscribe: true },
    });

    // A token for somebody else on the stage is refused by the package itself.
    const other = await service.expect(
      201,
      service.post(`/v1/spaces/${id}/join`, tenant.key, { userId: 'other', chat: false }),
    );
    const refused = await zoe.evaluate(async ({ exchange }, token) => await exchange(token), other['stage'].token);
    expect(refused).toMatchObject({ code: 11, details: expect.stringContaining('participantID cannot change') });
    await page.close();
  });
});
