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
export type Explanation = Schemas['JoinExplanation'];

export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}
