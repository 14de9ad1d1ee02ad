/** The examples of the README, run as they stand there. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { type Json, Stagedoor as Service, type TestTenant } from '../../test/support/stagedoor.ts';

const client = path.resolve(import.meta.dirname, '..');
const examples = [...readFileSync(path.join(client, 'README.md'), 'utf8').matchAll(/```js\n(.*?)```/gs)].map(
  ([, code = '']) => code,
);
const run = promisify(execFile);

let service: Service;
let tenant: TestTenant;
let space: Json;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-readme-'));
  service = await Service.start();
  tenant = await service.createTenant();
  space = await service.createSpace(tenant);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.stop();
});

it('the first example has fewer than twenty own lines', () => {
  const own = examples[0]?.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
  expect(own?.length).toBeLessThan(20);
});

it('the example for back ends runs', async () => {
  // `npm test` has made it, however little of it runs.
  const dist = pathToFileURL(path.join(client, 'dist/server/index.js')).href;
  const code = examples[2]!.replace('@stagedoor/client/server', dist).replace('https://stagedoor.example', service.url);
  const file = path.join(folder, 'server.mjs');
  writeFileSync(file, code);
  const { stdout } = await run(process.execPath, [file], { env: { STAGEDOOR_API_KEY: tenant.key } });
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(['nina stage', 'nina chat', 'host', 'viewer']));
});

describeInBrowser('in Chromium', () => {
  let browser: Browser;
  let site: Server;

  beforeAll(async () => {
    browser = await launchBrowser();
    // What the README calls yours. No media server of IVS is there: instead of joining, the page says with which token it would.
    const yours = `
      import { Stage as OfficialStage, SubscribeType } from 'amazon-ivs-web-broadcast';
      const shown = (window.shown = []);
      const show = (text) => shown.push(text);
      const { getJwt, spaceId } = window;
      const strategy = {
        stageStreamsToPublish: () => [],
        shouldPublishParticipant: () => false,
        shouldSubscribeToParticipant: () => SubscribeType.NONE,
      };
      OfficialStage.prototype.join = async function () { show('on the stage as ' + this.token.userID); };
    `;
    const page = `${yours}\n${examples[0]}\n{\n${examples[1]}\n}\nwindow.room = room;`
      .replace('https://stagedoor.example', '')
      .replace("'eu-west-1'", JSON.stringify(service.ivs.chatUrl))
      .replace("'@stagedoor/client'", JSON.stringify(path.join(client, 'src/index.ts')));
    const entry = path.join(client, '../.cache', `readme-${process.pid}.ts`);
    writeFileSync(entry, page);
    const bundled = run(process.execPath, [path.join(client, 'scripts/bundle.ts'), entry], { maxBuffer: 2 ** 26 });
    const { stdout } = await bundled.finally(() => rmSync(entry));
    site = createServer((request, response) => {
      const url = request.url ?? '/';
      if (url === '/page.js') return void response.setHeader('content-type', 'text/javascript').end(stdout);
      if (!url.startsWith('/v1/')) return void response.setHeader('content-type', 'text/html').end('<!doctype html>');
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { authorization = '' } = request.headers;
        const headers = { authorization, 'content-type': 'application/json' };
        const body = Buffer.concat(parts).toString();
        void fetch(service.url + url, { method: 'POST', headers, body }).then(async (answer) =>
          response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text()),
        );
      });
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await browser?.close();
    site?.closeAllConnections();
    site?.close();
  });

  it('the examples for pages chat, enter the stage, show the state and tell of a ban', async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.exposeFunction('getJwt', () => tenant.issuer.token('nina'));
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.evaluate((id) => Object.assign(globalThis, { spaceId: id }), space['id'] as string);
    await page.addScriptTag({ type: 'module', url: '/page.js' });
    const shows = async (text: string) =>
      void (await page.waitForFunction(`window.shown?.some((line) => line.includes(${JSON.stringify(text)}))`));
    await shows('on the stage as nina');
    await shows('admitted as viewer');
    await shows('The chat session ends in 60 minutes.');
    await page.waitForFunction(`window.room?.state === 'connected'`);
    await page.evaluate(`window.room.sendMessage({ action: 'SEND_MESSAGE', content: 'hello', requestId: 'r1' })`);
    await shows('nina: hello');
    await service.expect(201, service.post('/v1/bans', tenant.key, { userId: 'nina', spaceId: space['id'] }));
    await shows('Ask a moderator to lift the ban.');
    await page.close();
  });
});
