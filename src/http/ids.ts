import { z } from 'zod';
import type { IdPrefix } from '../ids.ts';
import { text } from './text.ts';

/** The part of an id behind its prefix: a UUIDv7 in base 32, as `newId` makes it. */
const suffix = '[0-7][0-9a-hjkmnp-tv-z]{25}';

/** The id that examples in the OpenAPI document use, such as `spc_01h455vb4pex5vsknk084sn02q`. */
export function exampleId(prefix: IdPrefix): string {
  return `${prefix}_01h455vb4pex5vsknk084sn02q`;
}

/** Schema of an id in an answer. */
export function idOf(prefix: IdPrefix, what: string): z.ZodString {
  return z.string().meta({ description: `Id of the ${what}.`, examples: [exampleId(prefix)] });
}

/** Schema of an id in a filter. Any text is allowed: text that is no id finds nothing. */
export function filterId(prefix: IdPrefix, what: string): z.ZodString {
  return text(1, 64).meta({ description: `Id of a ${what}.`, examples: [exampleId(prefix)] });
}

/** Schema of an id in a path. A malformed id is answered with 404, like one that does not exist. */
export function pathId(prefix: IdPrefix, what: string): z.ZodString {
  return pathName(new RegExp(`^${prefix}_${suffix}$`), what).meta({
    description: `Id of the ${what}.`,
    examples: [exampleId(prefix)],
  });
}

/**
 * Schema of a name in a path. Text that does not match is answered with 404. So a caller cannot tell a malformed id, an id
 * that does not exist and an id of another tenant from one another.
 */
export function pathName(pattern: RegExp, what: string): z.ZodString {
  return z
    .string()
    .refine((value) => pattern.test(value), { params: { notFound: what } })
    .meta({ pattern: pattern.source });
}

/** For a zod issue from `pathName`, the kind of thing that does not exist, such as `space`. Else undefined. */
export function missingThing(issue: object): string | undefined {
  const { params } = issue as { params?: { notFound?: string } };
  return params?.notFound;
}
