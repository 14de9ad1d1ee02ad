/**
 * Numbers that TypeScript passes to the SQL functions as `p_limits`. Each stands only here. The functions read them by name
 * with `limit_count` and `limit_time`. A name that ends in Seconds is a length of time in seconds; the others are counts.
 */
export const limits = {
  /** A pending chat grant counts as usable for this time. The answer of IVS then has the exact time, about a minute. */
  chatConnectSeconds: 120,
  /** Older grants are not read. IVS allows tokens of 14 days; the 15th day is for clocks and time zones that differ. */
  longestTokenSeconds: 15 * 24 * 3600,
  /** Longest time from the last check of a token until it leaves. The answer to a ban waits as long. */
  releaseWindowSeconds: 1,
  /** A grant that is pending for longer is refused. */
  pendingSeconds: 60,
  /** Longest time that IVS lets a participant stay on a stage (AWS user guide, service quotas). */
  stageStaySeconds: 24 * 3600,
  /** Largest number of grants that one step of an action treats. A moderator waits for the first step only. */
  grantsAtOnce: 1_000,
  /** Largest number of deliveries, and of holds, that one step of an undoing ends, and of holds that one step of a look ends. */
  cancelledAtOnce: 3_000,
  /** Largest number of deliveries that a lease ends because they are not needed any more. */
  expiredAtOnce: 1_000,
  /** After a reader has asked for grant.issued, the event is recorded for this time. */
  issuedGrantsAskedSeconds: 7 * 24 * 3600,
  /** Counts of refused requests are kept for so many days. */
  refusalDays: 7,
  /** Largest number of rows that one statement of a background sweep changes. The sweep goes on with the next statement. */
  sweptAtOnce: 1_000,
  /** Largest number of bans, or of actions, that one step of telling of their ends looks at. It holds their rows for the step. */
  announcedAtOnce: 200,
  /** Largest number of unused stage tokens of one user that get a DisconnectParticipant. The watch covers the others. */
  disconnectsPerUser: 25,
  /** Largest number of deliveries whose priority one look at a stage changes. */
  reprioritizedAtOnce: 1_000,
  /**
   * Longest time from the lease of a call until IVS has carried it out: two seconds until it is sent, and ten at IVS. IVS
   * carries out a call whose connection was cut, and states no time for that (docs/limits.md).
   */
  callLandsSeconds: 12,
  /** Longest wait of a vend for calls that disconnect the user from the room. */
  disconnectWaitSeconds: 2,
  /** A DisconnectUser is tried for this time after the end of the last session that it concerns. */
  chatLateSeconds: 5 * 60,
  /** The second DisconnectUser is made this time after the last unused chat token has expired. */
  followUpSeconds: 5,
  /** Time between two looks at a stage if the rates of IVS allow it. */
  lookIntervalSeconds: 2,
  /** A look ends the hold of a grant only if the grant has expired for longer than this. */
  lookMarginSeconds: 5,
  /** Time from news of a stage to the look at who is there, and the least time between two such looks. */
  newsLookSeconds: 5,
  /** Largest number of participants whose leaving one statement of such a look notes. */
  leavesAtOnce: 500,
  /** A look says that a participant has left only if it began this long after they were last there: IVS gives whole seconds. */
  presenceMarginSeconds: 1,
  /** An issuer with more rows than this, of all tenants together, is not read as a whole: only the rows that fit a token. */
  issuersOfName: 50,
  /** Largest number of a tenant's rows of one issuer that are read. */
  issuersOfTenant: 1_000,
  /** Largest number of tenants whose issuers are tried with one token, where the request names neither a space nor a tenant. */
  candidateTenants: 4,
  /** Largest number of a tenant's issuers that are tried with one token: those that were registered first. */
  candidatesOfTenant: 5,
  /**
   * Below a quota by this many, a transaction does not wait for others that make such a thing. It is more than the
   * connections of all replicas, and each makes one thing at a time.
   */
  farBelowQuota: 1_000,
  /** The bans in force of a tenant are counted again after so many acts of the tenant, or after a day. */
  actsBetweenCounts: 200,
  /** Largest number of users of a space with a capacity that one step counts. */
  placesAtOnce: 5_000,
  /** A space is counted anew this time after a replica of the release before has changed grants of the tenant. */
  countAfterSeconds: 60,
  /** Longest reason of DisconnectParticipant, in characters (service model of ivs-realtime). */
  stageReasonLength: 128,
  /** Longest reason of DisconnectUser, in characters (service model of ivschat). */
  chatReasonLength: 256,
  /** Largest number of open deliveries of a webhook endpoint. Further events wait in the log. */
  openWebhookDeliveries: 1_000,
  /** Largest number of deliveries of an endpoint that one transaction makes from the log of events. */
  webhookEventsAtOnce: 100,
  /** Largest number of events that it looks at for them. */
  eventsScannedAtOnce: 1_000,
  /** Largest number of webhook calls at the same time, of all replicas together: for a tenant, and to an endpoint. */
  webhookCallsOfTenant: 20,
  webhookCallsOfEndpoint: 10,
  /** A webhook call that takes longer is slow: it takes no place of the tenant any more. */
  slowWebhookCallSeconds: 0.5,
  /** Largest number of slow calls of a tenant that take no place. */
  slowWebhookCallsOfTenant: 40,
  /** After so many failed attempts in a row, an endpoint gets one call at a time until one succeeds. */
  steadyFailures: 5,
  /** An endpoint is disabled when all attempts have failed for this time. */
  failingWebhookSeconds: 5 * 24 * 3600,
  /** Largest number of deliveries that the log of an endpoint keeps: of those that were delivered, and of those that failed. */
  keptWebhookDeliveries: 1_000,
  /** The log of an endpoint keeps a delivery for this time after its end. */
  keptWebhookDeliverySeconds: 7 * 24 * 3600,
  /** An event of IVS is recognized for this time. EventBridge tries for a day, and SQS keeps a message for 14 days at most. */
  keptIvsEventSeconds: 15 * 24 * 3600,
  /** Largest number of events of IVS that are kept of a tenant: the newest. */
  keptIvsEvents: 50_000,
  /** Largest number of sessions of the console that one caller has: the operator, an API key, or a person. */
  consoleSessions: 20,
  /** A session of the console ends when it was not used for this time. */
  consoleIdleSeconds: 30 * 60,
  /** A session of the console ends this time after the sign-in, however much it is used. */
  consoleSessionSeconds: 12 * 3600,
  /** A sign-in with an identity provider must end in this time. */
  consoleSignInSeconds: 10 * 60,
  /** The use of a session is noted, and its cookie renewed, once in this time. */
  consoleNoteSeconds: 60,
  /** Largest number of notes about one user. */
  notesOfUser: 200,
} as const;

/** How many things of each kind a tenant may have. The operator can set other numbers for a tenant. */
export const quotas = {
  /** IVS allows a thousand stages in an account and Region by default (AWS user guide, service quotas). */
  spaces: 1_000,
  apiKeys: 100,
  /** IVS allows three public keys in an account and Region, and tenants share an account. See docs/decisions/0021. */
  signingKeys: 2,
  issuers: 100,
  webhooks: 20,
  /** Identity providers for the console. */
  consoleIssuers: 10,
  consoleUsers: 1_000,
  members: 100_000,
  roles: 100,
  /** Bans in force. */
  bans: 100_000,
  /** About all users. */
  notes: 100_000,
} as const;
