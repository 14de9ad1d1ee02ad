export type { components, paths } from '../generated/openapi.ts';
export { createStagedoorServer, type StagedoorServer, type StagedoorServerOptions } from './server.ts';
export { type ProblemCode, StagedoorProblem } from '../problem.ts';
