import type { UserCaller } from '../caller.ts';
import { invalid, Problem } from '../errors.ts';
import { attributesBytes, attributesMaxBytes, faultOfText } from '../http/text.ts';
import { claimAt, isClaimPath } from '../issuers/user-claims.ts';

/** Where the claims in templates come from. A `UserCaller` is one. */
export type ClaimSource = Pick<UserCaller, 'claims' | 'name'>;

/** Of a caller without a JWT: every claim in a template becomes empty. */
export const noClaims: ClaimSource = { claims: {}, name: null };

/**
 * Puts together the attributes of a token: those of the role, and those that the caller adds. Other participants see
 * them, and their clients may rely on them. So an app user adds only those that the role allows, and replaces none of the
 * role. An API key may add and replace any.
 *
 * @param templates attributes of the role. `{{claims.a.b}}` stands for a claim of the JWT.
 * @param allowed names of the attributes that the caller may add; `any` for an API key.
 * @throws Problem `forbidden` if the caller may not set an attribute, or `invalid_request` if those that they add do not fit
 * beside those of the role into what IVS allows (`attributesMaxBytes`). Claims never cause either.
 */
export function tokenAttributes(
  templates: Readonly<Record<string, string>>,
  source: ClaimSource,
  added: Readonly<Record<string, string>>,
  allowed: readonly string[] | 'any',
): Record<string, string> {
  const fromRole = fillIn(templates, source);
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

/**
 * Replaces each `{{claims.…}}` by that claim, or by nothing if there is no such claim or it does not fit. What the role itself
 * says has its place before all claims, so a long claim drives out nothing of the role. The attributes have their turn in
 * alphabetical order.
 */
function fillIn(templates: Readonly<Record<string, string>>, source: ClaimSource): Record<string, string> {
  const bare = Object.entries(templates).map(([key, template]) => [key, template.replace(placeholder, '')]);
  let left = attributesMaxBytes - attributesBytes(Object.fromEntries(bare) as Record<string, string>);
  const filled = Object.entries(templates)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, template]) => [
      key,
      template.replace(placeholder, (_, path: string) => {
        const value = textOf(valueAt(source, path.trimEnd()));
        const bytes = Buffer.byteLength(value);
        if (bytes > left) return '';
        left -= bytes;
        return value;
      }),
    ]);
  return Object.fromEntries(filled) as Record<string, string>;
}

/** A claim in a template. Its path is what stands before the next `}}`; names may hold dots, slashes and blanks. */
const placeholder = /\{\{\s*claims\.((?:[^}]|\}(?!\}))+)\}\}/g;

function valueAt({ claims, name }: ClaimSource, path: string): unknown {
  if (path === 'name' && name !== undefined) return name;
  return isClaimPath(path) ? claimAt(claims, path) : undefined;
}

/** A claim as text; empty if it is of another type, or if IVS could not take it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return faultOfText(value) === undefined ? value : '';
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) ? String(value) : '';
}
