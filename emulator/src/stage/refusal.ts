/** Why a join is refused, in the codes of AWS's web client (observed in SDK). */
export type JoinErrorCode =
  | 'STAGE_DELETED'
  | 'PARTICIPANT_DISCONNECTED'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_INVALID_SIGNATURE'
  | 'TOKEN_MISSING'
  | 'STAGE_AT_CAPACITY';

/**
 * The refusal of a join, or of what a participant wants to do. `code` is what the client of the participant would get.
 */
export class StageRefusal extends Error {
  override readonly name = 'StageRefusal';
  readonly code:
    | JoinErrorCode
    | 'INSUFFICIENT_CAPABILITIES'
    | 'QUOTA_EXCEEDED'
    | 'PUBLISHER_NOT_FOUND'
    | 'NOT_CONNECTED'
    | 'TOKEN_EXCHANGE_REQUEST_INVALID';

  constructor(code: StageRefusal['code'], message: string) {
    super(message);
    this.code = code;
  }
}
