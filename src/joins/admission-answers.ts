import { z } from 'zod';

/** The stage of the space, and what the stage token allows. `endpoints` is as in `spaces/stage-endpoints.ts`. */
export const stage = z.object({
  arn: z.string(),
  endpoints: z.object({ events: z.string(), whip: z.string() }),
  /** Time at which IVS returned the endpoints: ISO 8601. */
  endpointsAt: z.string(),
  capabilities: z.array(z.enum(['PUBLISH', 'SUBSCRIBE'])),
  /** Lifetime of the token, in seconds. */
  ttlSeconds: z.int(),
});

/** The chat room of the space, and what the chat token allows. */
export const chat = z.object({
  arn: z.string(),
  capabilities: z.array(z.enum(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'])),
  /** Length of the session, in minutes. */
  sessionMinutes: z.int(),
});

export const signingKey = z.object({
  id: z.string(),
  arn: z.string(),
  state: z.enum(['active', 'retiring']),
  /** The sealed private key, in base64. */
  privateKey: z.string(),
});

/** What `admission_answer` returns: the decision to give tokens. Its grants are on record. */
export const admission = z.object({
  tenant: z.object({
    id: z.string(),
    region: z.string(),
    awsRoleArn: z.string().nullable(),
    awsExternalId: z.string().nullable(),
  }),
  /** Participant id for a stage token that Stagedoor signs. */
  participantId: z.string(),
  /** The user id that IVS sees: the user id of the tenant, or a pseudonym. */
  ivsUserId: z.string(),
  space: z.object({ id: z.string(), name: z.string() }),
  role: z.object({
    name: z.string(),
    attributes: z.record(z.string(), z.string()),
    /** Names of the attributes that an app user may add. */
    clientAttributes: z.array(z.string()),
  }),
  /** Time of the decision, by the clock of the database: ISO 8601. */
  issuedAt: z.string(),
  /** Number of vends of this kind to this user in the last minute, with this one. */
  used: z.int(),
  /** What the stage token is made from; null for a vend without a stage token. */
  stage: stage.nullable(),
  /** What IVS makes the chat token from; null for a vend without a chat token. */
  chat: chat.nullable(),
  /** The key pair that may sign the stage token; null if the tenant has no signing key. */
  signingKey: signingKey.nullable(),
});
export type Admission = z.output<typeof admission>;

/** What `admit` and `settle` return if no token may leave. The codes stand in the order of the checks. */
export const refusal = z.discriminatedUnion('refused', [
  z.object({ refused: z.literal('credential') }),
  z.object({ refused: z.literal('tenant_suspended') }),
  z.object({ refused: z.literal('space_unknown') }),
  z.object({ refused: z.literal('space_closed') }),
  z.object({ refused: z.literal('banned'), until: z.coerce.date().nullable(), reason: z.string().nullable() }),
  z.object({ refused: z.literal('role_none') }),
  z.object({ refused: z.literal('role_unknown') }),
  z.object({ refused: z.literal('space_frozen') }),
  z.object({
    refused: z.literal('nothing_to_give'),
    role: z.string(),
    space: z.object({ stage: z.boolean(), room: z.boolean() }),
  }),
  z.object({ refused: z.literal('disconnecting'), seconds: z.number() }),
  z.object({ refused: z.literal('space_full') }),
  z.object({ refused: z.literal('rate'), retryAfterSeconds: z.int() }),
  z.object({
    refused: z.literal('live_token'),
    kind: z.enum(['stage', 'chat']),
    /** Id of its grant. */
    grant: z.string(),
    /** When it does not count any more; null: its participant is on the stage, and may stay. */
    until: z.coerce.date().nullable(),
    /** Whole seconds until then. */
    seconds: z.int().nullable(),
    /** True: it counts because it was the first; false: because the request names a participant, who is not that one. */
    first: z.boolean(),
  }),
  z.object({ refused: z.literal('replaced') }),
  z.object({ refused: z.literal('too_slow') }),
]);
export type Refusal = z.output<typeof refusal>;

/** What `admit` returns if it must be called again once this ban is ended, or if no token may leave. */
export const admitRefusal = z.discriminatedUnion('refused', [
  z.object({ refused: z.literal('outranks'), ban: z.string(), rank: z.int() }),
  refusal,
]);
export type AdmitRefusal = z.output<typeof admitRefusal>;
