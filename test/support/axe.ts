import { createRequire } from 'node:module';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** The axe that AxeBuilder has. */
const { source } = createRequire(import.meta.resolve('@axe-core/playwright'))('axe-core') as { source: string };

/**
 * What axe finds on a page that keeps somebody from using it: a line for each rule, with the elements that break it.
 *
 * Axe runs within the page, and tells only what it found. Otherwise it opens a second page to put together what it found in frames of
 * other origins, which our pages do not have, and describes each element that is right: that takes two to four times as long.
 * A document gets axe once: by itself it is put there twice for each look, which takes a third of the time of a look.
 * @param part a CSS selector: only what is within it is looked at.
 */
export async function barriers(page: Page, part?: string): Promise<string[]> {
  for (const frame of page.frames()) {
    if (!(await frame.evaluate<boolean>('"axe" in globalThis'))) await frame.evaluate(source);
  }
  const axe = new AxeBuilder({ page, axeSource: ';' }).options({ resultTypes: ['violations'] }).setLegacyMode();
  const { violations } = await (part === undefined ? axe : axe.include(part)).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}
