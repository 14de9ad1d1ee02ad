import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** With these flags Chromium sends no requests of its own. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path in `CHROMIUM_PATH`, or the first usual path where Chromium or Chrome is. */
function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env;
  return CHROMIUM_PATH ?? USUAL_PLACES.find((place) => existsSync(place));
}

export function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('Chromium was not found. Install it, or set CHROMIUM_PATH.');
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Tests that need a browser. Without a browser they are skipped with a message. In CI they fail. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (findChromium() !== undefined || process.env['CI'] === 'true') describe(name, tests);
  else describe.skip(`${name} (skipped because Chromium was not found: install it, or set CHROMIUM_PATH)`, tests);
}
