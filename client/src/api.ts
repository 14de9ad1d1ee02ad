/** The names of the service's schemas that this package uses. `generated/openapi.ts` is made from openapi.json. */
import type { components } from './generated/openapi.ts';

type Schemas = components['schemas'];

/** The answer of `POST /v1/spaces/{spaceId}/join`. */
export type JoinResult = Schemas['JoinResult'];
/** A token for the IVS broadcast SDK, and what it allows. */
export type StageToken = Schemas['StageToken'];
/** A token for the IVS Chat Messaging SDK, and what it allows. It opens one connection. */
export type ChatToken = Schemas['ChatToken'];
/** The space of a join: its id and its name. */
export type SpaceRef = Schemas['SpaceRef'];
/** The closed list of codes that problem documents of the service have. */
export type ServiceProblemCode = Schemas['ProblemCode'];
/** One fault of the input: the dotted path of the field, and what is wrong with it. */
export type InputFault = Schemas['InputFault'];
