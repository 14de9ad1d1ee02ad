import { z } from 'zod';
import type { IdPrefix } from '../ids.ts';
import { text } from './text.ts';

/** A UUIDv7 in base 32, as `newId` makes them. */
const suffix = '[0-7][0-9a-hjkmnp-tv-z]{25}';
const exampleSuffix = '01h455vb4pex5vsknk084sn02q';

/** An id in an answer. */
export function idOf(prefix: IdPrefix, what: string): z.ZodString {
  return z.string().meta({ description: `Id of the ${what}.`, examples: [`${prefix}_${exampleSuffix}`] });
}

/** An id to filter by: any text, as one that is none finds nothing. */
export function filterId(prefix: IdPrefix, what: string): z.ZodString {
  return text(1, 64).meta({ description: `Id of a ${what}.`, examples: [`${prefix}_${exampleSuffix}`] });
}

/** An id in a path. */
export function pathId(prefix: IdPrefix, what: string): z.ZodString {
  const example = `${prefix}_${exampleSuffix}`;
  return pathName(new RegExp(`^${prefix}_${suffix}$`), what).meta({
    description: `Id of the ${what}.`,
    examples: [example],
  });
}

/**
 * A name in a path. Text that could not be one is answered like a name that is not there: nobody can tell an id that is
 * malformed, that never was and that is another tenant's from one another.
 */
export function pathName(pattern: RegExp, what: string): z.ZodString {
  return z
    .string()
    .refine((value) => pattern.test(value), { params: { notFound: what } })
    .meta({ pattern: pattern.source });
}

/** What is not there, if an issue of zod's comes from a path. */
export function missingThing(issue: object): string | undefined {
  const { params } = issue as { params?: { notFound?: string } };
  return params?.notFound;
}
