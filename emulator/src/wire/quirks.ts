/**
 * The parts of the service models that are wrong. A comment at each entry says what goes wrong if the model is
 * followed.
 */

/** Shapes whose `pattern` is not enforced, on input or output. */
export const IGNORED_PATTERNS: ReadonlySet<string> = new Set([
  // Both models allow only one letter for the resource type (`:[a-z-]/`). The pattern rejects every ARN that exists.
  'ResourceArn',
  // The pattern allows no slash. Every recording prefix in AWS's own examples has several.
  'ParticipantRecordingS3Prefix',
]);

/**
 * Shapes whose `pattern` may match a part of the value. All other patterns must match the whole value. The Smithy model
 * anchors them, but the botocore model, which this package contains, leaves out most anchors.
 */
export const UNANCHORED_PATTERNS: ReadonlySet<string> = new Set(['PublicKeyMaterial']);

/** Members whose default in the Smithy model is not filled in. */
export const IGNORED_DEFAULTS: ReadonlySet<string> = new Set([
  // `false` would count as a filter that the caller did not set, and ListParticipants accepts at most one filter.
  'ListParticipantsRequest.filterByPublished',
  // The model says 0 and `false`. Its own documentation of the members says 2 and `true`, and so do AWS's examples.
  'GridConfiguration.gridGap',
  'AutoParticipantRecordingConfiguration.recordParticipantReplicas',
]);
