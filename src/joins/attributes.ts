import { invalid, Problem } from '../errors.ts';
import { attributesBytes, attributesMaxBytes } from '../http/text.ts';

/**
 * Puts together the attributes of a token: those of the role, and those that the caller adds. Other participants see
 * them, so an app user may not replace an attribute of the role. An API key may.
 *
 * @param templates attributes of the role. `{{claims.a.b}}` stands for a claim of the JWT.
 * @throws Problem `forbidden` if the caller may not set an attribute, or `invalid_request` if they are longer than IVS
 * allows (`attributesMaxBytes`).
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
    throw new Problem('forbidden', `The role sets the attribute ${taken}. Leave it out.`);
  }
  const all = { ...fromRole, ...added };
  const bytes = attributesBytes(all);
  if (bytes > attributesMaxBytes) {
    throw invalid(
      'attributes',
      `are ${bytes} bytes long, with the attributes of the role; IVS allows ${attributesMaxBytes}`,
    );
  }
  return all;
}

/** Replaces `{{claims.a.b}}` by that claim. It becomes empty if the claim is not a text, a number or a boolean. */
function fillIn(template: string, claims: Readonly<Record<string, unknown>>): string {
  return template.replace(/\{\{\s*claims\.([^{}\s]+)\s*\}\}/g, (_, path: string) => {
    const value = path.split('.').reduce<unknown>((at, name) => ownProperty(at, name), claims);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  });
}

function ownProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
