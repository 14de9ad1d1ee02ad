/** What all walks through the console share: a page of a browser, and how it is looked at. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';

import type { Browser, BrowserContext, Page } from 'playwright-core';

import { barriers } from '../../support/axe.ts';

/** Where pictures of the pages go, if somebody wants to look at them. */
const pictures = process.env['CONSOLE_PICTURES'];

/** For the tests that look at pages, in milliseconds: axe takes long on a busy machine. */
export const patience = 15 * 60_000;

const sizes = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 375, height: 740 },
  /** What a window of the size above shows at a zoom of 200 %. */
  zoomed: { width: 640, height: 450 },
};

/** How each page is looked at. Who wants pictures gets all four. */
const looks: [keyof typeof sizes, 'light' | 'dark'][] = [
  ['desktop', 'light'],
  ['phone', 'dark'],
  ...(pictures === undefined
    ? []
    : ([
        ['desktop', 'dark'],
        ['phone', 'light'],
      ] as const)
  ).map(([size, scheme]): [keyof typeof sizes, 'light' | 'dark'] => [size, scheme]),
];

/** A new page of a browser that nobody has used yet, and what it must not do. */
export interface Visit {
  context: BrowserContext;
  page: Page;
  /** Errors of scripts, what the policy of the browser has refused, and requests to other origins. */
  faults: string[];
}

/** @param mayCall the beginnings of the addresses that the page may ask for something */
export async function visit(browser: Browser, mayCall: () => string[]): Promise<Visit> {
  const context = await browser.newContext({ viewport: sizes.desktop, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // What the browser's policy refuses, and what is asked for at another origin.
    if (/content security policy/i.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!['data:', 'blob:', ...mayCall()].some((one) => request.url().startsWith(one))) faults.push(request.url());
  });
  return { context, page, faults };
}

/** Signs a person in with an API key, or with the token of the operator. */
export async function signIn(page: Page, url: string, credential: string): Promise<void> {
  await page.goto(`${url}/console`);
  await page.getByLabel('API key or operator token').fill(credential);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

/**
 * Looks for faults that keep people out: on a large screen, light, and on a phone, dark. On both, and at a zoom of 200 %, no
 * text is cut off, and the page scrolls in one direction alone.
 */
export async function look(page: Page, name: string): Promise<void> {
  await fits(page, name, 'zoomed');
  for (const [size, scheme] of looks) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await fits(page, name, size);
    expect({ name, scheme, size, barriers: await barriers(page) }).toEqual({ name, scheme, size, barriers: [] });
    if (pictures === undefined) continue;
    mkdirSync(pictures, { recursive: true });
    // What is behind a dialog is dimmed in the window alone.
    const fullPage = (await page.getByRole('dialog').count()) === 0;
    await page.screenshot({ path: path.join(pictures, `${name}-${size}-${scheme}.png`), fullPage });
  }
  await page.setViewportSize(sizes.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** The texts that a reader cannot see to their end: what they are in hides what is too long. A field scrolls what is typed. */
const cutTexts = `[...document.querySelectorAll('body *')]
  .filter((one) => [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ''))
  .filter((one) => {
    const { overflowX, overflowY, clip } = getComputedStyle(one);
    if (clip !== 'auto' || one.closest('input, textarea, select, svg, .skip')) return false;
    const isWide = overflowX !== 'visible' && overflowX !== 'auto' && one.scrollWidth > one.clientWidth + 1;
    const isHigh = overflowY !== 'visible' && overflowY !== 'auto' && one.scrollHeight > one.clientHeight + 1;
    return isWide || isHigh;
  })
  .map((one) => one.textContent)`;

async function fits(page: Page, name: string, size: keyof typeof sizes): Promise<void> {
  await page.setViewportSize(sizes[size]);
  const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  expect({ name, size, overflow, cut: await page.evaluate(cutTexts) }).toEqual({ name, size, overflow: 0, cut: [] });
}
