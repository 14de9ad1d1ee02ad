/** Calls a second, and calls that can be saved up, of all replicas together in one account and Region. */
export interface CallRate {
  rate: number;
  burst: number;
}

/**
 * The rates of moderation: deliveries and looks at stages. Moderation reserves its calls in the SQL functions that lease the
 * work. All rates of this file are below those of IVS (AWS user guides, service quotas), because others may use the same
 * account.
 */
export const moderationRates = {
  DisconnectParticipant: { rate: 4.8, burst: 2 },
  DisconnectUser: { rate: 95, burst: 20 },
  DeleteMessage: { rate: 95, burst: 20 },
  SendEvent: { rate: 95, burst: 20 },
  GetStage: { rate: 4, burst: 4 },
  ListParticipants: { rate: 4, burst: 4 },
  ListParticipantEvents: { rate: 4, burst: 4 },
} as const satisfies Record<string, CallRate>;

/**
 * The rates of what tenants ask for in their requests: administration, and lists of participants. The tenants of an account
 * take turns. The rates of GetStage and ListParticipants stand beside those of moderation, so both together stay below the
 * five calls a second of IVS.
 */
export const tenantRates = {
  CreateStage: { rate: 4.5, burst: 4 },
  DeleteStage: { rate: 4.5, burst: 4 },
  ListStages: { rate: 4.5, burst: 4 },
  CreateRoom: { rate: 4.5, burst: 4 },
  GetRoom: { rate: 4.5, burst: 4 },
  DeleteRoom: { rate: 4.5, burst: 4 },
  ListRooms: { rate: 4.5, burst: 4 },
  ImportPublicKey: { rate: 2.7, burst: 2 },
  DeletePublicKey: { rate: 2.7, burst: 2 },
  ListPublicKeys: { rate: 2.7, burst: 2 },
  GetPublicKey: { rate: 2.7, burst: 2 },
  GetStage: { rate: 0.8, burst: 1 },
  ListParticipants: { rate: 0.8, burst: 1 },
  ListParticipantEvents: { rate: 0.8, burst: 1 },
} as const satisfies Record<string, CallRate>;

/**
 * The rates of looks at who is on a stage. Those of GetStage and ListParticipants stand beside the rates above, and are so small
 * because such looks mostly borrow what moderation leaves.
 */
export const presenceRates = {
  GetStage: { rate: 0.1, burst: 1 },
  ListParticipants: { rate: 0.1, burst: 1 },
  ListStageSessions: { rate: 4, burst: 4 },
  GetStageSession: { rate: 4, burst: 4 },
} as const satisfies Record<string, CallRate>;

/** The operations of looks at who is on a stage. */
export type PresenceOperation = keyof typeof presenceRates;

/** The operations that tenants may call. */
export type TenantOperation = keyof typeof tenantRates;

/** Calls of moderation's rate that stay for moderation when others borrow from it: a look begins with two calls. */
export const keptForModeration = 3;

/**
 * Looks of moderation that events of IVS bring forward: for a tenant, and in an account. An account has two looks a second at
 * most. So however many events come, genuine or forged, half of the looks keep their turns.
 */
export const lookedAtForEvents = {
  tenant: { rate: 0.5, burst: 2 },
  account: { rate: 1, burst: 2 },
} as const satisfies Record<string, CallRate>;

/**
 * New events of IVS about the stages of one tenant. A stage has twelve publishers at most (AWS user guide, service quotas), and
 * each makes a few events. More events wait at EventBridge or in the queue.
 */
export const eventsOfTenant: CallRate = { rate: 50, burst: 2_000 };

/**
 * Checks of what IVS lets the service do in an account and Region: one in twenty seconds. A check makes each call once, so it
 * stands beside all rates above.
 */
export const permissionChecks: CallRate = { rate: 0.05, burst: 1 };

/** Failed requests of one tenant that cost calls to IVS: six a minute, and twenty at once. */
export const failedAttempts: CallRate = { rate: 0.1, burst: 20 };
