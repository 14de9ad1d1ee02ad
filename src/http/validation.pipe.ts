import { StandardSchemaValidationPipe } from '@nestjs/common';
import { notFound, Problem } from '../errors.ts';
import { missingThing } from './ids.ts';

/** Maximum number of faults in one answer. A body can have as many faults as it has bytes. */
const maxFaults = 20;

/**
 * Nest's pipe silently removes keys such as `constructor` from its input. This pipe keeps them: the body parser has already
 * refused the harmful ones, and the schema decides about the others.
 */
class SchemaPipe extends StandardSchemaValidationPipe {
  protected override stripProtoKeys(): void {}
}

/** Makes the pipe that checks bodies, queries and parameters with zod. Its problem names the place of each fault. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new SchemaPipe({
    exceptionFactory: (issues) => {
      const missing = issues.map(missingThing).find((what) => what !== undefined);
      if (missing !== undefined) return notFound(missing);
      return new Problem('invalid_request', 'Correct the fields named in errors and send the request again.', {
        errors: issues.slice(0, maxFaults).map((issue) => ({
          path: (issue.path ?? [])
            .map((part) => shortened(String(typeof part === 'object' ? part.key : part)))
            .join('.'),
          message: messageOf(issue),
        })),
      });
    },
  });
}

/** The text of zod. For unknown fields it names the fields, shortened because they are text of the caller. */
function messageOf(issue: { message: string; keys?: unknown }): string {
  if (!Array.isArray(issue.keys)) return issue.message;
  const names = issue.keys.slice(0, maxFaults).map((key) => JSON.stringify(shortened(String(key))));
  return `must not have ${names.join(', ')}`;
}

/** Shortens names of 32 characters and more: such a name may be a credential in the wrong place. */
function shortened(name: string): string {
  return name.length < 32 ? name : `${name.slice(0, 8)}…`;
}
