/** The pages of the console on a slow phone: what the first load brings, and how long it takes until somebody can act. */
import type { Browser, CDPSession } from 'playwright-core';

import { launchBrowser } from '../../emulator/test/support/browser.ts';
import { type Deployment, makeTenant, startDeployment } from '../support/deployment.ts';
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
  } finally {
    await browser.close();
    await deployment.stop();
  }
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
