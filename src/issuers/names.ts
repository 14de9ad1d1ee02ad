/** Maximum length of an issuer or audience. The schema of issuers has the same limit. */
const maxNameLength = 512;

/** Maximum number of audiences of one JWT. */
export const maxAudiences = 20;

/** Whether a value can be a registered issuer or audience. Postgres would refuse the other values. */
export function isName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxNameLength &&
    !value.includes('\0') &&
    value.isWellFormed()
  );
}
