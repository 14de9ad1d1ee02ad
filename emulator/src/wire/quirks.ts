/**
 * The places where a service model cannot be taken at its word. Each entry says what would go wrong otherwise.
 */

/** Shapes whose `pattern` is not enforced, on input or output. */
export const IGNORED_PATTERNS: ReadonlySet<string> = new Set([
  // Both models write one letter where the resource type goes (`:[a-z-]/`): it rejects every ARN the service issues.
  'ResourceArn',
  // The pattern has no slash, and every recording prefix in AWS's own examples has several.
  'ParticipantRecordingS3Prefix',
]);

/**
 * Shapes whose `pattern` may match anywhere in the value. All others must match the whole of it: the Smithy model
 * anchors them, while the botocore model (which this package carries) drops most anchors.
 */
export const UNANCHORED_PATTERNS: ReadonlySet<string> = new Set(['PublicKeyMaterial']);

/**
 * Members whose modelled default is not filled in. A `false` for `filterByPublished` would count as a filter the
 * caller never set, and ListParticipants takes one filter at most.
 */
export const IGNORED_DEFAULTS: ReadonlySet<string> = new Set(['ListParticipantsRequest.filterByPublished']);
