/**
 * Numbers that the SQL functions are given (`p_limits`). Each stands here and nowhere else; the functions read them by name
 * with `limit_count` and `limit_time`. Names that end in Seconds are lengths of time in seconds, the others are counts.
 */
export const limits = {
  /** A chat grant counts as usable for so long until IVS's answer tells the exact time (IVS: about a minute). */
  chatConnectSeconds: 120,
  /** No token lives longer: IVS allows 14 days, and a day is added for clocks and time zones. Older grants are not read. */
  longestTokenSeconds: 15 * 24 * 3600,
  /** A token leaves within this time of its last check, or not at all. A ban's answer waits as long. */
  releaseWindowSeconds: 1,
  /** A grant is pending for no longer than this. */
  pendingSeconds: 60,
  /** IVS lets a participant stay on a stage for no longer than this (AWS user guide, service quotas). */
  stageStaySeconds: 24 * 3600,
  /** Grants that one step of an action acts on. A moderator waits for the first step only. */
  grantsAtOnce: 1_000,
  /** Deliveries and holds that one step of an undoing ends. */
  cancelledAtOnce: 3_000,
  /** Unused stage tokens of one user that get a call of their own; the watch finds the user with the others. */
  disconnectsPerUser: 25,
  /** Deliveries whose order one look at a stage changes. */
  reprioritizedAtOnce: 1_000,
  /** A DisconnectUser is tried for so long after the last session it is about has ended. */
  chatLateSeconds: 5 * 60,
  /** The second DisconnectUser comes so long after the last unused chat token can no longer connect. */
  followUpSeconds: 5,
  /** A look must be so much later than the expiry of a grant to end its hold. */
  lookMarginSeconds: 5,
  /** Longest reason of DisconnectParticipant, in characters (service model of ivs-realtime). */
  stageReasonLength: 128,
  /** Longest reason of DisconnectUser, in characters (service model of ivschat). */
  chatReasonLength: 256,
} as const;
