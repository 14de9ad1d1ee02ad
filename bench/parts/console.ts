/**
 * The pages of the console on a slow phone: what the first load brings, and how long it takes until somebody can act. And a list of
 * 10,000 people.
 */
import type { Browser, CDPSession } from 'playwright-core';

import { launchBrowser } from '../../emulator/test/support/browser.ts';
import { hoard } from '../../test/support/hoard.ts';
import { type Deployment, makeTenant, startDeployment, withClient } from '../support/deployment.ts';
import { heading, line, median, note } from '../support/report.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);

/** The profile "Slow 4G" of Lighthouse, with a processor that is four times slower than this one. */
const network = {
  offline: false,
  latency: 150,
  downloadThroughput: (1.6 * 1024 * 1024) / 8,
  uploadThroughput: (750 * 1024) / 8,
};
const slowdown = 4;

/** People in the list that is measured. */
const people = 10_000;

interface Load {
  /** Bytes that came over the wire, with the headers of the answers. */
  bytes: number;
  /** From the beginning of the navigation until the page shows what it is for, and its main thread answers. */
  readyMs: number;
}

export async function consolePages(): Promise<void> {
  heading('The console: the first load on a slow phone');
  note(`150 ms of latency, 1.6 Mbit/s, a processor ${slowdown} times slower than this one, ${rounds} rounds`);
  const deployment = await startDeployment();
  const browser = await launchBrowser();
  try {
    const { id } = await makeTenant(deployment, 'watched', { spaces: 20 });
    const body = { name: 'moderator', scopes: ['*'] };
    const { key } = await deployment.operator.call<{ key: string }>('POST', `/v1/tenants/${id}/api-keys`, body);
    const signIn: Load[] = [];
    const spaces: Load[] = [];
    for (let i = 0; i < rounds; i++) {
      signIn.push(await load(deployment, browser, undefined));
      spaces.push(await load(deployment, browser, key));
    }
    print('the page of the sign-in', signIn);
    print('the list of spaces, signed in', spaces);
    await crowd(deployment, browser, id, key);
  } finally {
    await browser.close();
    await deployment.stop();
  }
}

/** Opens the page of a space in which 10,000 people could be, on a slow processor and a quick network, and goes to the last. */
async function crowd(
  { url, superuserUrl }: Deployment,
  browser: Browser,
  tenantId: string,
  key: string,
): Promise<void> {
  const made = await fetch(`${url}/v1/spaces`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Arena', defaultRole: 'viewer' }),
  });
  const { id } = (await made.json()) as { id: string };
  const userIds = Array.from({ length: people }, (_, n) => `viewer-${n}`);
  await withClient(superuserUrl, (client) => hoard(client, tenantId, id, { userIds, each: 1, kinds: ['chat'] }));
  const first: number[] = [];
  const all: number[] = [];
  const end: number[] = [];
  const megabytes: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const context = await browser.newContext({
      viewport: { width: 375, height: 740 },
      isMobile: true,
      locale: 'en-GB',
    });
    await context.request.post(`${url}/console/session`, { data: { credential: key } });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
    const list = page.getByRole('region', { name: 'Could be in, or get in' });
    await page.goto(`${url}/console/spaces/${id}`, { waitUntil: 'commit' });
    await list.getByRole('listitem').first().waitFor();
    first.push(Number(await page.evaluate('performance.now()')));
    await list.getByText(people.toLocaleString('en'), { exact: true }).waitFor({ timeout: 120_000 });
    all.push(Number(await page.evaluate('performance.now()')));
    await list.getByRole('group').focus();
    const before = performance.now();
    await page.keyboard.press('End');
    await list.locator(`li[aria-posinset="${people}"]`).waitFor();
    end.push(performance.now() - before);
    await session.send('HeapProfiler.collectGarbage');
    megabytes.push(Number(await page.evaluate('performance.memory.usedJSHeapSize')) / 1e6);
    await context.close();
  }
  const what = `a list of ${people.toLocaleString('en')} people`;
  line(`${what}: the first are seen after`, `${(median(first) / 1_000).toFixed(2)} s`, 'no limit of the network');
  line(`${what}: all are there after`, `${(median(all) / 1_000).toFixed(2)} s`, `${people / 100} pages of 100`);
  line(`${what}: from the first to the last`, `${median(end).toFixed(0)} ms`, 'the key End');
  line(`${what}: memory of the page`, `${median(megabytes).toFixed(0)} MB`);
}

function print(what: string, loads: Load[]): void {
  line(
    `${what}: bytes`,
    `${(median(loads.map(({ bytes }) => bytes)) / 1_000).toFixed(1)} kB`,
    'at most 250 kB is wanted',
  );
  const seconds = median(loads.map(({ readyMs }) => readyMs)) / 1_000;
  line(`${what}: ready after`, `${seconds.toFixed(2)} s`, 'at most 3 s is wanted');
}

/** Loads the console once, with nothing in the browser's cache. With a key, somebody is signed in. */
async function load({ url }: Deployment, browser: Browser, key: string | undefined): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 375, height: 740 }, isMobile: true, locale: 'en-GB' });
  try {
    if (key !== undefined) {
      const answer = await context.request.post(`${url}/console/session`, { data: { credential: key } });
      if (!answer.ok()) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
    }
    const page = await context.newPage();
    const count = await slow(await context.newCDPSession(page));
    await page.goto(`${url}/console/`, { waitUntil: 'commit' });
    await (key === undefined
      ? page.getByRole('button', { name: 'Sign in' }).waitFor()
      : page.getByRole('link', { name: 'Space 1', exact: true }).waitFor());
    const readyMs = Number(await page.evaluate('performance.now()'));
    return { bytes: count(), readyMs };
  } finally {
    await context.close();
  }
}

/** Makes a page slow. Returns what tells how many bytes have come so far. */
async function slow(session: CDPSession): Promise<() => number> {
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', network);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
  return () => bytes;
}
