/** The checks of a JWT, in the order in which the service makes them. */
export const tokenChecks = [
  'token_form',
  'token_issuer',
  'token_audience',
  'token_signature',
  'token_times',
  'token_kind',
  'token_user_id',
] as const;
export type TokenCheck = (typeof tokenChecks)[number];
