import type { Texts } from '../text/en.ts';

/** Lengths of a ban to choose from, in minutes; undefined: until it is lifted. */
export const usualMinutes = { hour: 60, day: 24 * 60, week: 7 * 24 * 60, ever: undefined } as const;

/** Units of any other length, in minutes. */
export const unitMinutes = { minutes: 1, hours: 60, days: 24 * 60 } as const;
export type Unit = keyof typeof unitMinutes;

/** The longest ban that ends by itself, in minutes: ten years. */
const mostMinutes = 10 * 365 * 24 * 60;

/** How long a ban is. `amount` and `unit` count if it is none of the usual lengths. */
export interface BanLength {
  length: keyof typeof usualMinutes | 'other';
  amount: number;
  unit: Unit;
}

/** @returns undefined: until it is lifted */
export function minutesOf({ length, amount, unit }: BanLength): number | undefined {
  return length === 'other' ? amount * unitMinutes[unit] : usualMinutes[length];
}

/** Whether a ban can be as long as that. */
export function isLength(given: BanLength): boolean {
  const minutes = minutesOf(given);
  return minutes === undefined || (Number.isInteger(minutes) && minutes >= 1 && minutes <= mostMinutes);
}

/** The length in words, such as: for 3 days. */
export function lengthWords({ act }: Texts, { length, amount, unit }: BanLength): string {
  return length === 'other' ? act.forUnits[unit](amount) : act.lengths[length];
}
