/** The documentation site as the service serves it: its files and headers, its problem pages, and every page in a browser. */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fastify from 'fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { Problem, type ProblemCode, problemKinds } from '../../src/errors.ts';
import { problemDocument } from '../../src/http/problem.filter.ts';
import { serveSite } from '../../src/openapi/site.ts';
import { barriers } from '../support/axe.ts';
import { build } from '../support/shared.ts';
import { Stagedoor } from '../support/stagedoor.ts';

const root = path.resolve(import.meta.dirname, '../..');
const codes = Object.keys(problemKinds) as ProblemCode[];

let stagedoor: Stagedoor;
beforeAll(async () => {
  await build();
  stagedoor = await Stagedoor.start();
});
afterAll(async () => {
  await stagedoor.stop();
});

/** The addresses of all pages that were built. */
function pages(): string[] {
  return globSync('**/*.html', { cwd: path.join(root, 'docs/dist') })
    .filter((file) => file !== '404.html')
    .map(addressOf)
    .sort();
}

/** The addresses of all pages that are written. */
function written(): string[] {
  return globSync('**/*.md', { cwd: path.join(root, 'docs'), exclude: ['node_modules', 'dist'] })
    .map((file) => addressOf(file.replace(/README\.md$/, 'index.md')))
    .sort();
}

function addressOf(file: string): string {
  const name = file.split(path.sep).join('/');
  return `/docs/${name.replace(/\.(html|md)$/, '').replace(/(^|\/)index$/, '$1')}`;
}

async function load(url: string): Promise<Response> {
  return await fetch(`${stagedoor.url}${url}`, { redirect: 'manual' });
}

test('every page has an address without .html, and each may load files of this service only', async () => {
  expect(pages()).toEqual(written());
  for (const url of pages()) {
    const answer = await load(url);
    expect([url, answer.status, answer.headers.get('content-type')]).toEqual([url, 200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/script-src|style-src 'unsafe|https?:|\*/);
    expect(await answer.text()).toMatch(/<h1[ >]/);
  }
});

test('a file whose name has a hash is kept for a year, and other files are asked for again', async () => {
  const html = await (await load('/docs/')).text();
  const script = /src="(\/docs\/assets\/app\.[\w-]+\.js)"/.exec(html)?.[1] ?? 'no script';
  const { status, headers } = await load(script);
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
  // Not by fetch, which asks caches and servers for the whole file whenever it sends such a header.
  const url = '/docs/quickstart';
  const first = await stagedoor.app.inject({ url });
  const again = await stagedoor.app.inject({ url, headers: { 'if-none-match': String(first.headers.etag) } });
  expect([first.statusCode, again.statusCode]).toEqual([200, 304]);
});

test('addresses of before lead to where their content is now', async () => {
  for (const [from, to] of [
    ['/docs', '/docs/'],
    ['/docs/problems', '/docs/problems/'],
    ['/docs/decisions', '/docs/decisions/'],
  ]) {
    const answer = await load(from ?? '');
    expect([from, answer.status, answer.headers.get('location')]).toEqual([from, 302, to]);
  }
  expect(await (await load('/docs/problems/')).text()).toContain('id="banned"');
});

test('an unknown page is a 404, and no path leads out of the site', async () => {
  for (const url of ['/docs/nothing', '/docs/..%2fpackage.json', '/docs/%2e%2e/package.json', '/docs/assets']) {
    const answer = await load(url);
    expect([url, answer.status]).toEqual([url, 404]);
    expect(await answer.text()).not.toContain('"dependencies"');
  }
});

test('a service without the built site says so, and serves it once it is built', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-site-'));
  const server = fastify();
  serveSite(server, path.join(folder, 'dist'));
  const before = await server.inject({ url: '/docs/quickstart' });
  expect([before.statusCode, before.body]).toEqual([404, expect.stringMatching(/not built.*npm run build/s)]);
  mkdirSync(path.join(folder, 'dist'));
  writeFileSync(path.join(folder, 'dist/index.html'), '<h1>Here</h1>');
  const after = await server.inject({ url: '/docs/' });
  expect([after.statusCode, after.body]).toEqual([200, '<h1>Here</h1>']);
  await server.close();
  rmSync(folder, { recursive: true });
});

test.each(codes)('the type of %s leads to a page with its cause and cure', async (code) => {
  const { type, title, status } = problemDocument(new Problem(code, 'Something.'), 'an-id') as Record<string, string>;
  expect(type).toBe(`/docs/problems/${code}`);
  const answer = await load(type ?? '');
  expect(answer.status).toBe(200);
  const text = readFileSync(path.join(root, `docs/problems/${code}.md`), 'utf8');
  expect(text).toContain(`# ${code}\n\n**${title}.** The HTTP status is ${status}.\n`);
  expect(text).toContain('## What your application does');
  expect(text.match(/^\*\*Cure\.\*\* \S/gm)?.length).toBeGreaterThan(0);
});

test('each text that a problem page explains is a text of the service', () => {
  const source = globSync('src/**/*.ts', { cwd: root })
    .map((file) => readFileSync(path.join(root, file), 'utf8'))
    .join('\n');
  const quoted = codes.flatMap((code) =>
    [...readFileSync(path.join(root, `docs/problems/${code}.md`), 'utf8').matchAll(/^### “(.+)”$/gm)].map(
      (match) => match[1] ?? '',
    ),
  );
  expect(quoted.length).toBeGreaterThan(codes.length);
  expect(quoted.filter((text) => !source.includes(text))).toEqual([]);
});

describeInBrowser('in a browser', () => {
  /** That of a phone. */
  const viewport = { width: 390, height: 844 };
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  const readers = new Map<string, ReturnType<typeof tab>>();
  afterAll(async () => {
    try {
      for (const { page, wrong } of await Promise.all(readers.values())) {
        await page.waitForLoadState('networkidle');
        expect(wrong).toEqual([]);
      }
    } finally {
      await browser.close();
    }
  });

  /** A tab, and what went wrong in it: requests that left the service, refusals by its policy, failed requests, errors of scripts. */
  async function tab(
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{ page: Page; wrong: string[]; context: BrowserContext }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(stagedoor.url) && !request.url().startsWith('data:'))
        wrong.push(`left: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) wrong.push(`${response.status()}: ${response.url()}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') wrong.push(message.text());
    });
    page.on('pageerror', (error) => wrong.push(String(error)));
    return { page, wrong, context };
  }

  /** Opens a page, which may not be too wide. */
  async function open(page: Page, url: string): Promise<void> {
    await page.goto(`${stagedoor.url}${url}`);
    await page.locator('.VPDoc h1').waitFor();
    const tooWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    expect([url, tooWide]).toEqual([url, false]);
  }

  /** Pages of one kind are built alike: one problem page, one decision and one page of the runbook stand for all. */
  const oneOfEachKind = written().filter(
    (url) =>
      !/\/(problems|decisions|providers|runbook)\/./.test(url) || /banned$|0007|auth0$|moderation-late$/.test(url),
  );
  const dark = ['/docs/concepts', '/docs/problems/banned', '/docs/operations', '/docs/quickstart'];

  /** One tab for each color scheme: a new one for each page takes as long as the page. */
  function reader(colorScheme: 'light' | 'dark'): ReturnType<typeof tab> {
    const known = readers.get(colorScheme) ?? tab({ colorScheme, viewport });
    readers.set(colorScheme, known);
    return known;
  }

  test.each([...oneOfEachKind.map((url) => ['light', url] as const), ...dark.map((url) => ['dark', url] as const)])(
    'axe finds nothing that keeps somebody from reading (%s, %s), and it loads nothing from elsewhere',
    async (colorScheme, url) => {
      const { page, wrong } = await reader(colorScheme);
      await open(page, url);
      // What surrounds the text is the same on every page: it is looked at once.
      expect(await barriers(page, url === '/docs/concepts' ? undefined : '.VPDoc')).toEqual([]);
      expect(wrong).toEqual([]); // what comes later is found with the next page, or after the last
    },
  );

  test('no other page loads anything from elsewhere, breaks the policy, or is too wide for a phone', async () => {
    const { page, wrong, context } = await tab({ viewport });
    const others = pages().filter((url) => !oneOfEachKind.includes(url));
    expect(others.length).toBeGreaterThan(0);
    for (const url of others) await open(page, url);
    await page.waitForLoadState('networkidle');
    expect(wrong).toEqual([]);
    await context.close();
  });

  test('the search finds a page without leaving the service', async () => {
    const { page, wrong, context } = await tab();
    await page.goto(`${stagedoor.url}/docs/`);
    await page.getByRole('button', { name: 'Search' }).first().click();
    await page.locator('#localsearch-input').fill('The space is frozen');
    await page.locator('.VPLocalSearchBox .result').first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/docs/problems/**');
    expect(wrong).toEqual([]);
    await context.close();
  });

  test('the API reference shows itself at /docs/api, and a link to an operation at the old place leads there', async () => {
    const { page, wrong, context } = await tab();
    await page.goto(`${stagedoor.url}/docs#/Joining/join`);
    await page.waitForURL('**/docs/api#/Joining/join');
    await page.locator('.opblock').first().waitFor();
    expect(wrong).toEqual([]);
    await context.close();
  });
});
