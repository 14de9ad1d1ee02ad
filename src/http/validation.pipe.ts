import { StandardSchemaValidationPipe } from '@nestjs/common';
import { notFound, Problem } from '../errors.ts';
import { missingThing } from './ids.ts';

/** Most faults to list: a body can have as many as it has bytes. */
const maxFaults = 20;

/**
 * Nest's pipe takes keys such as `constructor` out of what it is given, without a word. Here the body parser has refused
 * those that could do harm, and any other is for the schema to judge.
 */
class SchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

/** Checks bodies, queries and parameters by their zod schema, and says for each fault where it is and what to change. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new SchemaPipe({
    exceptionFactory: (issues) => {
      const missing = issues.map(missingThing).find((what) => what !== undefined);
      if (missing !== undefined) return notFound(missing);
      return new Problem('invalid_request', 'Correct the fields named in errors and send the request again.', {
        errors: issues.slice(0, maxFaults).map((issue) => ({
          path: (issue.path ?? []).map((part) => shown(String(typeof part === 'object' ? part.key : part))).join('.'),
          message: messageOf(issue),
        })),
      });
    },
  });
}

/** Zod's words; for fields that nobody knows with their names, which are the caller's own text. */
function messageOf(issue: { message: string; keys?: unknown }): string {
  if (!Array.isArray(issue.keys)) return issue.message;
  const names = issue.keys.slice(0, maxFaults).map((key) => JSON.stringify(shown(String(key))));
  return `must not have ${names.join(', ')}`;
}

/** A name from the body as it may be told: what was put in the wrong place may be a credential, which are longer. */
function shown(name: string): string {
  return name.length < 32 ? name : `${name.slice(0, 8)}…`;
}
