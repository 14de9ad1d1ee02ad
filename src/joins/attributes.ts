import { invalid, Problem } from '../errors.ts';
import { attributesBytes, attributesMaxBytes } from '../http/text.ts';

/**
 * Puts together the attributes of a token: those of the role, and those that the caller adds. Other participants see
 * them, and their clients may rely on them. So an app user adds only those that the role allows, and replaces none of the
 * role. An API key may add and replace any.
 *
 * @param templates attributes of the role. `{{claims.a.b}}` stands for a claim of the JWT.
 * @param allowed names of the attributes that the caller may add; `any` for an API key.
 * @throws Problem `forbidden` if the caller may not set an attribute, or `invalid_request` if they are longer than IVS
 * allows (`attributesMaxBytes`).
 */
export function tokenAttributes(
  templates: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, unknown>>,
  added: Readonly<Record<string, string>>,
  allowed: readonly string[] | 'any',
): Record<string, string> {
  const fromRole = Object.fromEntries(Object.entries(templates).map(([key, value]) => [key, fillIn(value, claims)]));
  if (allowed !== 'any') {
    const names = Object.keys(added);
    const taken = names.find((name) => Object.hasOwn(fromRole, name));
    if (taken !== undefined) throw new Problem('forbidden', `The role sets the attribute ${taken}. Leave it out.`);
    const foreign = names.find((name) => !allowed.includes(name));
    if (foreign !== undefined) {
      throw new Problem(
        'forbidden',
        `An app user may not add the attribute ${foreign}. Leave it out, or let the role name it in clientAttributes.`,
      );
    }
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
