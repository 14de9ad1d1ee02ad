/** The variables by which Node is told which OpenSSL it uses (docs/operations.md, "Signatures"), as far as they are set. */
export function opensslVariables(): Record<string, string> {
  const { OPENSSL_CONF, OPENSSL_MODULES } = process.env;
  return {
    ...(OPENSSL_CONF !== undefined && { OPENSSL_CONF }),
    ...(OPENSSL_MODULES !== undefined && { OPENSSL_MODULES }),
  };
}
