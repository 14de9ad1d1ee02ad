import { z } from 'zod';
import { refusal } from './admission-answers.ts';

/** What `decide_admission` returns. */
const decision = z.union([
  refusal,
  z.object({
    stage: z.boolean(),
    chat: z.boolean(),
    /** Number of vends of this kind to this user in the last minute. */
    used: z.int(),
    /** Time for which a join waits for calls that disconnect the user, in seconds; null: there are none. */
    seconds: z.number().nullable(),
  }),
]);

/** A role, as far as an explanation needs it. */
const role = z.object({
  name: z.string(),
  rank: z.int(),
  moderator: z.boolean(),
  attributes: z.record(z.string(), z.string()),
  clientAttributes: z.array(z.string()),
  stageCapabilities: z.array(z.enum(['PUBLISH', 'SUBSCRIBE'])),
  /** null: the role has no stage. */
  ttlSeconds: z.int().nullable(),
  chatCapabilities: z.array(z.enum(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'])),
  /** null: the role has no chat. */
  sessionMinutes: z.int().nullable(),
});

/** What `admission_facts` returns, and what `explain_admission` adds. */
const facts = z.object({
  space: z.object({
    defaultRole: z.string().nullable(),
    isFrozen: z.boolean(),
    /** null: as many users as come. */
    capacity: z.int().nullable(),
    /** Number of other users who have a place; null: the space has no capacity. */
    users: z.int().nullable(),
    hasPlace: z.boolean(),
    hasStage: z.boolean(),
    hasRoom: z.boolean(),
  }),
  /** The role that the user has; null: none that the tenant defines. */
  role: role.nullable(),
  /** Their member row. byRank is the rank of the person who wrote it; null: an API key did. */
  member: z.object({ role: z.string(), byRank: z.int().nullable(), binds: z.boolean() }).nullable(),
  /** The role that counts of those that the JWT claims; null: the tenant has none of them. */
  claimed: z.string().nullable(),
  /** Names of all roles of the tenant, the one of highest rank first. */
  roles: z.array(z.string()),
  /** The ban that keeps the user out. */
  ban: z.object({ id: z.string(), isOfTenant: z.boolean() }).nullable(),
  /** Ids of bans that do not bind the user. */
  outrankedBans: z.array(z.string()),
  mint: z.enum(['ivs', 'key-pair']),
  oneLiveToken: z.enum(['off', 'newest', 'first']),
  /** Live tokens of the user of the kinds that are asked for, if the tenant allows one. */
  liveTokens: z.array(z.object({ id: z.string(), kind: z.enum(['stage', 'chat']) })),
});
export type AdmissionFacts = z.output<typeof facts>;

/** What `explain_admission` returns; null: there is no such space. */
export const explainedAdmission = z.object({ decision, facts }).nullable();
export type Decision = z.output<typeof decision>;
