/** The samples for pages that need a browser, bundled as an application does it and run in Chromium as they stand there. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { samplesOf } from './samples.ts';

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);
const production = { ...process.env, NODE_ENV: 'production' };

/** The samples of a page of a kind, in their order. */
const textsOf = (page: string, kind: string) =>
  samplesOf(page).flatMap((sample) => (sample.kind === kind ? [sample.text] : []));

/** What the pages say that the reader has. */
const given = 'const { url, spaceId, getUserToken } = window;\n';

/**
 * What the machine of the test lacks: a camera, for which a canvas stands, and a media server of IVS. Instead of joining, a
 * stage notes with whose token it would join.
 */
const machine = `
import { Stage } from 'amazon-ivs-web-broadcast';
const noted = (window.noted = []);
navigator.mediaDevices.getUserMedia = async () => {
  noted.push('asks for the camera');
  return document.createElement('canvas').captureStream();
};
Stage.prototype.join = async function () {
  noted.push('joins as ' + this.token.userID);
};
`;

describeInBrowser('in Chromium', () => {
  let stagedoor: Stagedoor;
  let tenant: TestTenant;
  let space: Json;
  let browser: Browser;
  let site: Server;
  let folder: string;
  const scripts = new Map<string, string>();

  /** Bundles a page from files. The first one is its entry. */
  async function bundle(name: string, files: Record<string, string>): Promise<void> {
    const place = path.join(folder, name);
    mkdirSync(place);
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(place, file), text);
    const entry = path.join(place, Object.keys(files)[0] ?? '');
    const args = [path.join(root, 'client/scripts/bundle.ts'), entry];
    scripts.set(`/${name}.js`, (await run(process.execPath, args, { maxBuffer: 2 ** 26, env: production })).stdout);
  }

  beforeAll(async () => {
    mkdirSync(path.join(root, '.cache'), { recursive: true });
    folder = mkdtempSync(path.join(root, '.cache/docs-pages-'));
    stagedoor = await Stagedoor.start();
    tenant = await stagedoor.createTenant();
    space = await stagedoor.createSpace(tenant);
    const [video = ''] = textsOf('apps/javascript.md', 'ts compiled');
    await bundle('video', { 'entry.ts': `import './machine.js';\n${given}${video}`, 'machine.js': machine });
    const [provider = '', camera = ''] = textsOf('apps/react.md', 'tsx compiled');
    const [room = ''] = textsOf('apps/react.md', 'tsx sample');
    await bundle('react', {
      'entry.tsx': `import './machine.js';\n${given}${provider}`,
      'machine.js': machine,
      'Room.tsx': room,
      'Camera.tsx': camera,
      'App.tsx': `import { App as Room } from './Room.tsx';
        import { Camera } from './Camera.tsx';
        export const App = (props) => <><Room {...props} /><Camera {...props} /></>;`,
    });
    site = createServer((request, response) => {
      const script = scripts.get(request.url ?? '');
      response.setHeader('content-type', script === undefined ? 'text/html' : 'text/javascript');
      response.end(script ?? '<!doctype html><div id="root"></div>');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    site?.closeAllConnections();
    site?.close();
    rmSync(folder, { recursive: true, force: true });
    await stagedoor?.stop();
  });

  /** Opens a page of another origin than the service, as the page of a customer is. */
  async function open(name: string, userId: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(60_000);
    await page.exposeFunction('getUserToken', () => tenant.issuer.token(userId, { role: 'host' }));
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    const reader = { url: stagedoor.url, spaceId: space['id'] as string };
    await page.evaluate((own) => Object.assign(globalThis, own), reader);
    await page.addScriptTag({ type: 'module', url: `/${name}.js` });
    return page;
  }

  async function notes(page: Page, text: string): Promise<void> {
    await page.waitForFunction(`window.noted?.includes(${JSON.stringify(text)})`);
  }

  it('the sample for video asks for the camera and joins the stage', async () => {
    const page = await open('video', 'vera');
    await notes(page, 'asks for the camera');
    await notes(page, 'joins as vera');
    await page.close();
  });

  it('the samples for React chat, join the stage, and ask for the camera after a click', async () => {
    const page = await open('react', 'rosa');
    await notes(page, 'joins as rosa');
    await page.getByLabel('Message').fill('Hello');
    const hello = page.getByText('rosa: Hello');
    for (let times = 0; times < 60 && (await hello.count()) === 0; times += 1) {
      // The room refuses a message until it is connected.
      await page.getByLabel('Message').fill('Hello');
      await page.getByLabel('Message').press('Enter');
      await hello
        .first()
        .waitFor({ timeout: 1_000 })
        .catch(() => {});
    }
    expect(await hello.count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Send my camera' }).click();
    await notes(page, 'asks for the camera');
    await page.close();
  });
});
