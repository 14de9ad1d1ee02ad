/** What the service answers, as `@stagedoor/client` describes it. */
import type { components } from '../../client/src/generated/openapi.ts';

type Schemas = components['schemas'];

export type Session = Schemas['ConsoleSession'];
export type Space = Schemas['Space'];
export type Participant = Schemas['Participant'];
export type Grant = Schemas['Grant'];
export type Ban = Schemas['Ban'];
export type Settings = Schemas['Settings'];
export type Role = Schemas['Role'];
export type Action = Schemas['Action'];
export type SignInWays = Schemas['SignInWays'];
export type AuditEntry = Schemas['AuditEntry'];
export type UserNote = Schemas['UserNote'];
export type Explanation = Schemas['JoinExplanation'];
export type AuditChain = Schemas['AuditChain'];
export type Target = Schemas['Delivery'];
export type Webhook = Schemas['Webhook'];
export type WebhookWithSecret = Schemas['WebhookWithSecret'];
export type WebhookDelivery = Schemas['WebhookDelivery'];
export type EventType = NonNullable<Schemas['CreateWebhookRequest']['types']>[number];
export type StageSession = Schemas['StageSession'];
export type SessionParticipant = Schemas['SessionParticipant'];
export type Attendance = Schemas['Attendance'];
export type ApiKey = Schemas['ApiKey'];
export type NewApiKey = Schemas['NewApiKey'];
export type Scope = Schemas['Scope'];
export type Issuer = Schemas['Issuer'];
export type SigningKey = Schemas['SigningKey'];
export type Member = Schemas['Member'];
export type Tenant = Schemas['Tenant'];
export type RefusalCounts = Schemas['RefusalCounts'];
export type RefusalReason = Schemas['RefusalReason'];
export type Region = Schemas['Region'];
export type ConsoleChatToken = Schemas['ConsoleChatToken'];

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}
