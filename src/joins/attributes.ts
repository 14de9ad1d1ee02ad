import { invalid, Problem } from '../errors.ts';
import { attributesBytes, attributesMaxBytes } from '../http/text.ts';

/**
 * The attributes of a token: what the role sets, filled in from the claims, and what the caller adds. A user must not
 * be able to pass for something his role does not make him, so only an API key may set what the role sets too.
 *
 * @throws Problem if the caller may not, or if it all comes to more than IVS takes.
 */
export function tokenAttributes(
  templates: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, unknown>>,
  added: Readonly<Record<string, string>>,
  mayOverride: boolean,
): Record<string, string> {
  const fromRole = Object.fromEntries(Object.entries(templates).map(([key, value]) => [key, fillIn(value, claims)]));
  const taken = mayOverride ? undefined : Object.keys(added).find((key) => Object.hasOwn(fromRole, key));
  if (taken !== undefined) {
    throw new Problem('forbidden', `The attribute ${taken} is set by the role; leave it out.`);
  }
  const all = { ...fromRole, ...added };
  const bytes = attributesBytes(all);
  if (bytes > attributesMaxBytes) {
    throw invalid('attributes', `come to ${bytes} bytes together with the role’s; IVS takes ${attributesMaxBytes}`);
  }
  return all;
}

/** Replaces `{{claims.a.b}}` by that claim; one that is missing or is no text, number or boolean becomes empty. */
function fillIn(template: string, claims: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{\{\s*claims\.([^{}\s]+)\s*\}\}/g, (_, path: string) => {
    const value = path.split('.').reduce<unknown>((at, name) => own(at, name), claims);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  });
}

function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
