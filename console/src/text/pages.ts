import { pagesDe } from './pages.de.ts';
import { pagesEn, type PageTexts } from './pages.en.ts';
import { type Language, useLanguage } from './text.tsx';

const texts: Record<Language, PageTexts> = { en: pagesEn, de: pagesDe };

/** The text of the pages to look and find. */
export function usePageText(): PageTexts {
  return texts[useLanguage().language];
}

const steps: [number, 'seconds' | 'minutes' | 'hours' | 'days'][] = [
  [86_400, 'days'],
  [3_600, 'hours'],
  [60, 'minutes'],
];

/** A length of time in the largest unit that it fills, such as 3 min. */
export function lengthIn(text: PageTexts, seconds: number): string {
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, 'seconds' as const];
  return text.common[unit](String(Math.floor(Math.max(0, seconds) / size)));
}
