import { useLocalStorage } from '@mantine/hooks';
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';

import { ApiProblem } from '../api.ts';
import { de } from './de.ts';
import { en, type Texts } from './en.ts';

export const languages = { en, de };
export type Language = keyof typeof languages;

interface Chosen {
  language: Language;
  text: Texts;
  choose(language: Language): void;
}

const Chosen = createContext<Chosen | undefined>(undefined);

function preferred(): Language {
  return navigator.language.startsWith('de') ? 'de' : 'en';
}

/** Gives the pages below their text in the language that the person has chosen, or that their browser prefers. */
export function TextProvider({ children }: { children: ReactNode }) {
  const [stored, choose] = useLocalStorage<Language>({ key: 'stagedoor-language', defaultValue: preferred() });
  const language = stored in languages ? stored : 'en';
  const text = languages[language];
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = text.title;
  }, [language, text]);
  const chosen = useMemo(() => ({ language, text, choose }), [language, text, choose]);
  return <Chosen value={chosen}>{children}</Chosen>;
}

export function useLanguage(): Chosen {
  const chosen = useContext(Chosen);
  if (!chosen) throw new Error('there is no TextProvider above');
  return chosen;
}

export function useText(): Texts {
  return useLanguage().text;
}

/** What a failure says to the person: the service's own words, which say what to change, where it has some. */
export function messageOf(error: unknown, text: Texts): string {
  if (!(error instanceof ApiProblem)) return String(error);
  if (error.status === 0) return error.code === 'unsent' ? text.chat.unsent : text.problems.noAnswer;
  if (error.status === 401) return error.detail || text.problems.signedOut;
  return error.detail || text.problems.tooMany;
}

/** The person's own way to write times and numbers, where their browser is in the language of the page. */
export function useLocale(): string {
  const { language } = useLanguage();
  return navigator.languages.find((one) => one.startsWith(language)) ?? language;
}

/** A time of today without its date, any other one with it. */
export function useTime(): (iso: string) => string {
  const locale = useLocale();
  return (iso) => {
    const time = new Date(iso);
    const isToday = time.toDateString() === new Date().toDateString();
    return time.toLocaleString(locale, isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' });
  };
}
